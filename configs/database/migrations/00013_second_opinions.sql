-- +goose Up
-- What stands beside the official ranking of a closed review: the files from
-- which anyone computes it again, and the report.
CREATE TABLE second_opinions (
  review_id VARCHAR(36) NOT NULL,
  ranking_hash VARCHAR(64) NOT NULL,
  why VARCHAR(500) NOT NULL,
  scores LONGTEXT NOT NULL,
  costs LONGTEXT NOT NULL,
  ranking LONGTEXT NOT NULL,
  report LONGTEXT NOT NULL,
  seed BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (review_id)
);
