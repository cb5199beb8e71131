-- +goose Up
-- Why an act of a review was done, in the words given: the journal has their
-- digest.
CREATE TABLE reasons (
  id VARCHAR(36) NOT NULL,
  review_id VARCHAR(36) NOT NULL,
  act VARCHAR(60) NOT NULL,
  object VARCHAR(80) NOT NULL,
  field VARCHAR(30) NOT NULL,
  salt VARCHAR(32) NOT NULL,
  text LONGTEXT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX reasons_review ON reasons (review_id, id);
