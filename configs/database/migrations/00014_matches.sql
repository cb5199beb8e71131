-- +goose Up
-- A review by correspondence gives every application its own panel.
ALTER TABLE reviews ADD COLUMN selection VARCHAR(20) NOT NULL DEFAULT 'draw' CHECK (selection IN ('draw', 'match', 'match_draw'));
ALTER TABLE reviews ADD COLUMN expert_load INT NOT NULL DEFAULT 0;
ALTER TABLE reviews ADD COLUMN best_per_seat INT NOT NULL DEFAULT 0;
ALTER TABLE draws ADD COLUMN selection VARCHAR(20) NOT NULL DEFAULT 'draw' CHECK (selection IN ('draw', 'match', 'match_draw'));
CREATE TABLE match_files (
  draw_id VARCHAR(36) NOT NULL,
  name VARCHAR(40) NOT NULL,
  hash VARCHAR(64) NOT NULL,
  data LONGBLOB NOT NULL,
  PRIMARY KEY (draw_id, name)
);
