-- +goose Up
-- Whether, when a review closed, its guide had another that was not void: then
-- the guide's places are not this review's alone. Of those closed before, as it
-- is now.
ALTER TABLE rankings ADD COLUMN shared BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE rankings SET shared = TRUE WHERE review_id IN (
  SELECT r.id FROM reviews r JOIN reviews o ON o.guide_id = r.guide_id AND o.id <> r.id AND o.state <> 'void');
-- Reports have another form: the service computes and journals them again.
DELETE FROM second_opinions;
