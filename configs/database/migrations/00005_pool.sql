-- +goose Up
-- The pool as it is worked with: states with terms, yearly re-check, evidence of
-- standing, and narrow tables to search by. A CHECK cannot be changed in place in
-- both stores, so the table is made anew.
CREATE TABLE experts_new (
  id VARCHAR(36) NOT NULL,
  person_id VARCHAR(36) NOT NULL,
  user_id VARCHAR(36) NOT NULL,
  name VARCHAR(100) NOT NULL,
  gender VARCHAR(10) NOT NULL,
  birth_year BIGINT NOT NULL,
  title VARCHAR(50) NOT NULL,
  unit_id VARCHAR(36) NOT NULL,
  in_district BOOLEAN NOT NULL,
  pool VARCHAR(20) NOT NULL,
  classes VARCHAR(100) NOT NULL,
  main_field VARCHAR(10) NOT NULL,
  fields LONGTEXT NOT NULL,
  employments LONGTEXT NOT NULL,
  ties LONGTEXT NOT NULL,
  unavailable LONGTEXT NOT NULL,
  evidence LONGTEXT NOT NULL,
  mail VARCHAR(200) NOT NULL,
  phone LONGBLOB NULL,
  bank_card LONGBLOB NULL,
  consent_version VARCHAR(20) NOT NULL,
  state VARCHAR(20) NOT NULL,
  state_reason VARCHAR(200) NOT NULL,
  state_code VARCHAR(20) NOT NULL,
  state_until VARCHAR(10) NOT NULL,
  state_file VARCHAR(36) NOT NULL,
  confirmed_day VARCHAR(10) NOT NULL,
  term_until VARCHAR(10) NOT NULL,
  document_until VARCHAR(10) NOT NULL,
  searchable BOOLEAN NOT NULL,
  version BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('proposed', 'public', 'in_pool', 'suspended', 'banned', 'left')),
  CHECK (state <> 'in_pool' OR state_until = ''),
  CHECK (pool IN ('advisory', 'technical'))
);
-- Who is in the pool already is due a year from today.
INSERT INTO experts_new (id, person_id, user_id, name, gender, birth_year, title, unit_id, in_district, pool, classes, main_field, fields, employments, ties, unavailable,
  evidence, mail, phone, bank_card, consent_version, state, state_reason, state_code, state_until, state_file, confirmed_day, term_until, document_until, searchable, version, created_at)
SELECT id, person_id, user_id, name, gender, birth_year, title, unit_id, in_district, pool, classes, main_field, fields, employments, ties, unavailable,
  CASE WHEN evidence = '' THEN '[]' ELSE JSON_ARRAY(JSON_OBJECT('kind', 'title', 'text', evidence)) END, mail, phone, bank_card, consent_version, state, state_reason, '', '', '',
  CASE WHEN state = 'proposed' THEN '' ELSE CURRENT_DATE END, '', '', FALSE, version, created_at
FROM experts;
DROP TABLE experts;
ALTER TABLE experts_new RENAME TO experts;
CREATE UNIQUE INDEX experts_person ON experts (person_id);
CREATE INDEX experts_state ON experts (state, pool, birth_year);
CREATE INDEX experts_user ON experts (user_id);
CREATE INDEX experts_name ON experts (name, id);
CREATE INDEX experts_confirmed ON experts (state, confirmed_day);
CREATE INDEX experts_until ON experts (state, state_until);
CREATE INDEX experts_term ON experts (state, term_until);
CREATE INDEX experts_document ON experts (state, document_until);
CREATE INDEX experts_searchable ON experts (searchable);
-- All that a search compares on the record itself: it never reads the wide rows.
CREATE INDEX experts_search ON experts (id, state, pool, classes, title, unit_id, in_district, name);

-- What a search compares beyond the record, kept with it.
CREATE TABLE expert_fields (
  expert_id VARCHAR(36) NOT NULL,
  code VARCHAR(10) NOT NULL,
  keyword VARCHAR(50) NOT NULL,
  PRIMARY KEY (expert_id, code, keyword)
);
CREATE INDEX expert_fields_code ON expert_fields (code, expert_id);
CREATE INDEX expert_fields_keyword ON expert_fields (keyword, expert_id);

CREATE TABLE keywords (
  keyword VARCHAR(50) NOT NULL PRIMARY KEY
);

CREATE TABLE expert_units (
  expert_id VARCHAR(36) NOT NULL,
  unit_id VARCHAR(36) NOT NULL,
  PRIMARY KEY (expert_id, unit_id)
);
CREATE INDEX expert_units_unit ON expert_units (unit_id, expert_id);

CREATE TABLE expert_absences (
  expert_id VARCHAR(36) NOT NULL,
  from_day VARCHAR(10) NOT NULL,
  to_day VARCHAR(10) NOT NULL,
  PRIMARY KEY (expert_id, from_day, to_day)
);
CREATE INDEX expert_absences_days ON expert_absences (to_day, from_day, expert_id);

CREATE INDEX seats_expert ON seats (expert_id, state);
CREATE INDEX reviews_meeting ON reviews (meeting_day);
CREATE INDEX reviews_closed ON reviews (state, closed_at);

CREATE TABLE IF NOT EXISTS past_services (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  person_id VARCHAR(36) NOT NULL,
  expert_id VARCHAR(36) NOT NULL,
  programme_kind VARCHAR(10) NOT NULL,
  year BIGINT NOT NULL,
  day VARCHAR(10) NOT NULL,
  title VARCHAR(200) NOT NULL,
  class VARCHAR(20) NOT NULL
);
CREATE INDEX past_services_served ON past_services (expert_id, day);
CREATE INDEX past_services_days ON past_services (day, expert_id);

-- Publicity of proposed experts and recommended members, and what is objected.
CREATE TABLE nominations (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  object VARCHAR(60) NOT NULL,
  from_day VARCHAR(10) NOT NULL,
  to_day VARCHAR(10) NOT NULL,
  created_by VARCHAR(36) NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX nominations_days ON nominations (to_day, id);

CREATE TABLE nominees (
  nomination_id VARCHAR(36) NOT NULL,
  expert_id VARCHAR(36) NOT NULL,
  PRIMARY KEY (nomination_id, expert_id)
);
CREATE INDEX nominees_expert ON nominees (expert_id);

CREATE TABLE nomination_objections (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  nomination_id VARCHAR(36) NOT NULL,
  expert_id VARCHAR(36) NOT NULL,
  object VARCHAR(60) NOT NULL,
  name LONGBLOB NULL,
  contact LONGBLOB NULL,
  text LONGBLOB NULL,
  answer LONGBLOB NULL,
  salt VARCHAR(64) NOT NULL,
  state VARCHAR(20) NOT NULL,
  decided_by VARCHAR(36) NOT NULL,
  decided_at DATETIME NULL,
  created_at DATETIME NOT NULL,
  CHECK (state IN ('open', 'accepted', 'rejected'))
);
CREATE INDEX nomination_objections_nominee ON nomination_objections (nomination_id, expert_id);

-- Conduct after each review, with the expert's one reply.
CREATE TABLE conducts (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  review_id VARCHAR(36) NOT NULL,
  seat_id VARCHAR(36) NOT NULL,
  expert_id VARCHAR(36) NOT NULL,
  person_id VARCHAR(36) NOT NULL,
  role VARCHAR(20) NOT NULL,
  rated_by VARCHAR(36) NOT NULL,
  marks LONGTEXT NOT NULL,
  low BOOLEAN NOT NULL,
  remarks LONGBLOB NULL,
  salt VARCHAR(64) NOT NULL,
  reply LONGBLOB NULL,
  replied_at DATETIME NULL,
  created_at DATETIME NOT NULL,
  CHECK (role IN ('officer', 'chair', 'supervisor'))
);
CREATE UNIQUE INDEX conducts_seat ON conducts (seat_id, role);
CREATE INDEX conducts_review ON conducts (review_id);
CREATE INDEX conducts_person ON conducts (person_id, id);

-- Reports of an approach, for the supervisor alone.
CREATE TABLE approaches (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  reporter_id VARCHAR(36) NOT NULL,
  report LONGBLOB NULL,
  salt VARCHAR(64) NOT NULL,
  state VARCHAR(20) NOT NULL,
  outcome VARCHAR(20) NOT NULL,
  finding LONGBLOB NULL,
  handled_by VARCHAR(36) NOT NULL,
  handled_at DATETIME NULL,
  created_at DATETIME NOT NULL,
  CHECK (state IN ('received', 'handled')),
  CHECK (state <> 'handled' OR outcome <> '')
);
CREATE INDEX approaches_reporter ON approaches (reporter_id, id);

-- An expert's word against a suspension or a ban.
CREATE TABLE appeals (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  expert_id VARCHAR(36) NOT NULL,
  against VARCHAR(20) NOT NULL,
  text LONGBLOB NULL,
  answer LONGBLOB NULL,
  salt VARCHAR(64) NOT NULL,
  state VARCHAR(20) NOT NULL,
  decided_by VARCHAR(36) NOT NULL,
  decided_at DATETIME NULL,
  created_at DATETIME NOT NULL,
  CHECK (state IN ('open', 'accepted', 'rejected'))
);
CREATE INDEX appeals_expert ON appeals (expert_id, state);
