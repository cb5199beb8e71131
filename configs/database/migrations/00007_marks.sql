-- +goose Up
ALTER TABLE guides ADD COLUMN votes BOOLEAN NOT NULL DEFAULT FALSE;

-- The order of tied applications as the panel has voted it, written by its chair.
CREATE TABLE tie_votes (
  id VARCHAR(36) NOT NULL,
  review_id VARCHAR(36) NOT NULL,
  applications LONGTEXT NOT NULL,
  minutes LONGBLOB NULL,
  salt VARCHAR(64) NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX tie_votes_review ON tie_votes (review_id);
