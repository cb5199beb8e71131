-- +goose Up
CREATE TABLE units (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  code VARCHAR(40) NOT NULL,
  name VARCHAR(200) NOT NULL,
  kind VARCHAR(30) NOT NULL,
  parent_id VARCHAR(36) NOT NULL,
  aliases LONGTEXT NOT NULL,
  in_district BOOLEAN NOT NULL,
  joint BOOLEAN NOT NULL,
  evidence VARCHAR(64) NOT NULL,
  contact VARCHAR(100) NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('pending', 'active', 'closed')),
  version BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  CHECK (id <> parent_id)
);
CREATE UNIQUE INDEX units_code ON units (code);
CREATE INDEX units_parent ON units (parent_id);

CREATE TABLE people (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  birth_year BIGINT NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX people_name ON people (name);

CREATE TABLE name_corrections (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  person_id VARCHAR(36) NOT NULL,
  old_name VARCHAR(100) NOT NULL,
  new_name VARCHAR(100) NOT NULL,
  reason VARCHAR(500) NOT NULL,
  salt VARCHAR(64) NOT NULL,
  created_at DATETIME NOT NULL
);

CREATE TABLE identities (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  person_id VARCHAR(36) NOT NULL,
  kind VARCHAR(20) NOT NULL,
  blind_index VARCHAR(64) NOT NULL,
  number LONGBLOB NOT NULL,
  confirmed_at DATETIME NULL
);
CREATE UNIQUE INDEX identities_index ON identities (blind_index);
CREATE INDEX identities_person ON identities (person_id);

CREATE TABLE users (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  login VARCHAR(64) NOT NULL,
  name VARCHAR(100) NOT NULL,
  person_id VARCHAR(36) NOT NULL,
  unit_id VARCHAR(36) NOT NULL,
  mail VARCHAR(200) NOT NULL,
  phone LONGBLOB NULL,
  password VARCHAR(200) NOT NULL,
  totp LONGBLOB NULL,
  totp_step BIGINT NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('invited', 'active', 'disabled')),
  version BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  CHECK (state <> 'active' OR password <> '')
);
CREATE UNIQUE INDEX users_login ON users (login);
CREATE INDEX users_person ON users (person_id);
CREATE INDEX users_unit ON users (unit_id);

CREATE TABLE grants (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  user_id VARCHAR(36) NOT NULL,
  role VARCHAR(20) NOT NULL,
  granted_by VARCHAR(64) NOT NULL,
  granted_at DATETIME NOT NULL,
  ended_at DATETIME NULL
);
CREATE INDEX grants_user ON grants (user_id);

CREATE TABLE links (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  token_hash VARCHAR(64) NOT NULL,
  purpose VARCHAR(20) NOT NULL CHECK (purpose IN ('activation', 'reset', 'invitation')),
  user_id VARCHAR(36) NOT NULL,
  object VARCHAR(100) NOT NULL,
  created_at DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  used_at DATETIME NULL
);
CREATE UNIQUE INDEX links_token ON links (token_hash);
CREATE INDEX links_user ON links (user_id);
CREATE INDEX links_object ON links (object);

CREATE TABLE files (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  name VARCHAR(255) NOT NULL,
  size BIGINT NOT NULL,
  sm3 VARCHAR(64) NOT NULL,
  kind VARCHAR(100) NOT NULL,
  owner VARCHAR(36) NOT NULL,
  object VARCHAR(100) NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX files_object ON files (object);

CREATE TABLE sessions (
  token VARCHAR(64) NOT NULL PRIMARY KEY,
  user_id VARCHAR(36) NOT NULL,
  data LONGBLOB NOT NULL,
  expires_at DATETIME NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE journal_entries (
  seq BIGINT NOT NULL PRIMARY KEY,
  at DATETIME NOT NULL,
  actor VARCHAR(100) NOT NULL,
  act VARCHAR(100) NOT NULL,
  object VARCHAR(130) NOT NULL,
  facts LONGTEXT NOT NULL,
  prev VARCHAR(64) NOT NULL,
  hash VARCHAR(64) NOT NULL,
  txn VARCHAR(36) NOT NULL,
  verdicts LONGBLOB NULL
);
CREATE INDEX journal_entries_object ON journal_entries (object);
CREATE INDEX journal_entries_txn ON journal_entries (txn);

CREATE TABLE journal_head (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  seq BIGINT NOT NULL,
  hash VARCHAR(64) NOT NULL,
  at DATETIME NOT NULL
);
INSERT INTO journal_head (id, seq, hash, at) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', '1970-01-01 00:00:00');

CREATE TABLE checkpoints (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL,
  hash VARCHAR(64) NOT NULL,
  at DATETIME NOT NULL,
  reason VARCHAR(100) NOT NULL
);

CREATE TABLE answers (
  user_id VARCHAR(36) NOT NULL,
  idempotency_key VARCHAR(100) NOT NULL,
  act VARCHAR(100) NOT NULL,
  digest VARCHAR(64) NOT NULL,
  answer LONGBLOB NULL,
  expires_at DATETIME NOT NULL,
  PRIMARY KEY (user_id, idempotency_key)
);
CREATE INDEX answers_expiry ON answers (expires_at);

CREATE TABLE counters (
  series VARCHAR(100) NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
);

CREATE TABLE notices (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  kind VARCHAR(40) NOT NULL,
  user_id VARCHAR(36) NOT NULL,
  address LONGBLOB NULL,
  subject VARCHAR(200) NOT NULL,
  body LONGBLOB NULL,
  object VARCHAR(100) NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('queued', 'sent', 'failed', 'dropped')),
  tries BIGINT NOT NULL,
  last_error VARCHAR(500) NOT NULL,
  next_at DATETIME NOT NULL,
  lease VARCHAR(36) NOT NULL,
  lease_until DATETIME NULL,
  created_at DATETIME NOT NULL,
  sent_at DATETIME NULL
);
CREATE INDEX notices_due ON notices (state, next_at);
CREATE INDEX notices_object ON notices (object);

CREATE TABLE rule_packs (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  name VARCHAR(60) NOT NULL,
  version VARCHAR(40) NOT NULL,
  digest VARCHAR(64) NOT NULL,
  content LONGTEXT NOT NULL,
  in_force VARCHAR(10) NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('loaded', 'approved')),
  loaded_by VARCHAR(36) NOT NULL,
  approved_by VARCHAR(36) NOT NULL,
  approved_at DATETIME NULL,
  created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX rule_packs_version ON rule_packs (name, version);

CREATE TABLE calendars (
  year BIGINT NOT NULL PRIMARY KEY,
  content LONGTEXT NOT NULL,
  version BIGINT NOT NULL
);
