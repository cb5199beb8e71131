-- +goose Up
ALTER TABLE units ADD COLUMN mail VARCHAR(200) NOT NULL DEFAULT '';
ALTER TABLE units ADD COLUMN evidence_file VARCHAR(36) NOT NULL DEFAULT '';
ALTER TABLE units ADD COLUMN state_reason VARCHAR(500) NOT NULL DEFAULT '';

CREATE TABLE past_services (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  person_id VARCHAR(36) NOT NULL,
  expert_id VARCHAR(36) NOT NULL,
  programme_kind VARCHAR(10) NOT NULL CHECK (programme_kind IN ('major', 'key')),
  year BIGINT NOT NULL,
  day VARCHAR(10) NOT NULL,
  title VARCHAR(200) NOT NULL,
  class VARCHAR(20) NOT NULL
);
CREATE INDEX past_services_expert ON past_services (expert_id, year);
CREATE INDEX past_services_person ON past_services (person_id);

CREATE TABLE running_projects (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  programme_kind VARCHAR(10) NOT NULL CHECK (programme_kind IN ('major', 'key')),
  year BIGINT NOT NULL,
  programme_code VARCHAR(40) NOT NULL,
  number VARCHAR(40) NOT NULL,
  title VARCHAR(200) NOT NULL,
  lead_unit_id VARCHAR(36) NOT NULL,
  leader_id VARCHAR(36) NOT NULL,
  starts VARCHAR(10) NOT NULL,
  ends VARCHAR(10) NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX running_projects_number ON running_projects (number);
CREATE INDEX running_projects_year ON running_projects (year, programme_kind);
CREATE INDEX running_projects_leader ON running_projects (leader_id);

CREATE TABLE running_project_people (
  project_id VARCHAR(36) NOT NULL,
  person_id VARCHAR(36) NOT NULL,
  role VARCHAR(10) NOT NULL CHECK (role IN ('leader', 'member')),
  PRIMARY KEY (project_id, person_id)
);
CREATE INDEX running_project_people_person ON running_project_people (person_id);

CREATE TABLE integrity_records (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  subject_kind VARCHAR(10) NOT NULL CHECK (subject_kind IN ('person', 'unit')),
  subject_id VARCHAR(36) NOT NULL,
  kind VARCHAR(100) NOT NULL,
  from_day VARCHAR(10) NOT NULL,
  to_day VARCHAR(10) NOT NULL,
  source VARCHAR(200) NOT NULL,
  document VARCHAR(100) NOT NULL,
  state VARCHAR(20) NOT NULL CHECK (state IN ('recorded', 'lifted')),
  created_at DATETIME NOT NULL
);
CREATE INDEX integrity_records_subject ON integrity_records (subject_kind, subject_id);
CREATE INDEX integrity_records_day ON integrity_records (state, to_day);

CREATE TABLE unit_claims (
  id VARCHAR(36) NOT NULL PRIMARY KEY,
  unit_id VARCHAR(36) NOT NULL,
  name VARCHAR(200) NOT NULL,
  contact VARCHAR(100) NOT NULL,
  mail VARCHAR(200) NOT NULL,
  evidence_file VARCHAR(36) NOT NULL,
  created_at DATETIME NOT NULL
);
CREATE INDEX unit_claims_unit ON unit_claims (unit_id);
