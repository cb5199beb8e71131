-- +goose Up
-- A closed ranking's record is megabytes: it is kept beside the review, which
-- every act reads, and its lines once more as what boards page through.
CREATE TABLE rankings (
  review_id VARCHAR(36) NOT NULL,
  record LONGTEXT NOT NULL,
  PRIMARY KEY (review_id)
);
INSERT INTO rankings (review_id, record) SELECT id, ranking FROM reviews WHERE ranking <> '';
ALTER TABLE reviews DROP COLUMN ranking;

CREATE TABLE results (
  review_id VARCHAR(36) NOT NULL,
  position BIGINT NOT NULL,
  application_id VARCHAR(36) NOT NULL,
  number VARCHAR(40) NOT NULL,
  title VARCHAR(200) NOT NULL,
  place BIGINT NOT NULL,
  shown VARCHAR(20) NOT NULL,
  passed BOOLEAN NOT NULL,
  submitted BIGINT NOT NULL,
  totals VARCHAR(2000) NOT NULL,
  PRIMARY KEY (review_id, position),
  CHECK (position >= 1),
  CHECK (place >= 0)
);

CREATE INDEX applications_number ON applications (review_id, number, state);
CREATE INDEX sheets_progress ON sheets (review_id, state, seat_id, application_id);
CREATE INDEX declarations_words ON declarations (review_id, state, seat_id, application_id);
