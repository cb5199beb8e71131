-- +goose Up
-- What a joint unit's part was before it was written anew, and why.
ALTER TABLE joint_seats DROP COLUMN marks;
ALTER TABLE joint_seats ADD COLUMN earlier LONGTEXT NOT NULL DEFAULT ('[]');

-- A closed review's board is read, not counted: what each seat owed and has
-- handed in.
ALTER TABLE seats ADD COLUMN owed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE seats ADD COLUMN sheets BIGINT NOT NULL DEFAULT 0;
UPDATE seats SET sheets = (SELECT COUNT(*) FROM sheets x WHERE x.seat_id = seats.id AND x.state = 'submitted')
  WHERE review_id IN (SELECT id FROM reviews WHERE state = 'closed');
UPDATE seats SET owed = sheets;

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
