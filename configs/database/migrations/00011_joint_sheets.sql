-- +goose Up
-- What a joint unit's part was before it was written anew, and why.
ALTER TABLE joint_seats DROP COLUMN marks;
ALTER TABLE joint_seats ADD COLUMN earlier LONGTEXT NOT NULL DEFAULT ('[]');

-- A joint unit's marks for one of its applications, version by version: they
-- stand in the ranking record, and never count.
CREATE TABLE joint_sheets (
  id VARCHAR(36) NOT NULL,
  review_id VARCHAR(36) NOT NULL,
  application_id VARCHAR(36) NOT NULL,
  joint_seat_id VARCHAR(36) NOT NULL,
  number BIGINT NOT NULL,
  content LONGBLOB NULL,
  hash VARCHAR(64) NOT NULL,
  submitted_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX joint_sheets_version ON joint_sheets (review_id, application_id, joint_seat_id, number);
