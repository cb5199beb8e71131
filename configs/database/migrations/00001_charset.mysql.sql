-- +goose Up
-- Codes and ids compare by byte; every table made later inherits this.
ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
