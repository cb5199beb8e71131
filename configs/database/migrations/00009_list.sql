-- +goose Up
-- A deliberation recorded before the director sent the list back counts no more.
ALTER TABLE conclusions ADD COLUMN returned BOOLEAN NOT NULL DEFAULT FALSE;

-- An objection of a unit names the unit beside who speaks for it.
ALTER TABLE objections ADD COLUMN unit LONGBLOB NULL;
