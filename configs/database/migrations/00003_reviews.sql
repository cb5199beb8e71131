-- +goose Up
CREATE TABLE experts (
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
  classes LONGTEXT NOT NULL,
  main_field VARCHAR(10) NOT NULL,
  fields LONGTEXT NOT NULL,
  employments LONGTEXT NOT NULL,
  ties LONGTEXT NOT NULL,
  unavailable LONGTEXT NOT NULL,
  evidence VARCHAR(200) NOT NULL,
  mail VARCHAR(200) NOT NULL,
  phone LONGBLOB NULL,
  bank_card LONGBLOB NULL,
  consent_version VARCHAR(20) NOT NULL,
  state VARCHAR(20) NOT NULL,
  state_reason VARCHAR(200) NOT NULL,
  version BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('proposed', 'in_pool', 'suspended', 'left')),
  CHECK (pool IN ('advisory', 'technical'))
);
CREATE UNIQUE INDEX experts_person ON experts (person_id);
CREATE INDEX experts_state ON experts (state, pool);
CREATE INDEX experts_user ON experts (user_id);
CREATE INDEX experts_name ON experts (name, id);

CREATE TABLE releases (
  id VARCHAR(36) NOT NULL,
  rule VARCHAR(20) NOT NULL,
  object VARCHAR(100) NOT NULL,
  reason VARCHAR(500) NOT NULL,
  salt VARCHAR(64) NOT NULL,
  released_by VARCHAR(36) NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX releases_object ON releases (object, rule);

CREATE TABLE programmes (
  id VARCHAR(36) NOT NULL,
  code VARCHAR(40) NOT NULL,
  kind VARCHAR(10) NOT NULL,
  year BIGINT NOT NULL,
  name VARCHAR(200) NOT NULL,
  basis VARCHAR(200) NOT NULL,
  version BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (kind IN ('major', 'key'))
);
CREATE UNIQUE INDEX programmes_code ON programmes (code);
CREATE INDEX programmes_year ON programmes (year);

CREATE TABLE review_groups (
  id VARCHAR(36) NOT NULL,
  programme_id VARCHAR(36) NOT NULL,
  kind VARCHAR(20) NOT NULL,
  state VARCHAR(20) NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (id),
  CHECK (kind IN ('advisory', 'technical')),
  CHECK (state IN ('forming', 'in_term', 'dissolved'))
);
CREATE UNIQUE INDEX review_groups_kind ON review_groups (programme_id, kind);

CREATE TABLE memberships (
  id VARCHAR(36) NOT NULL,
  group_id VARCHAR(36) NOT NULL,
  expert_id VARCHAR(36) NOT NULL,
  person_id VARCHAR(36) NOT NULL,
  departments LONGTEXT NOT NULL,
  document VARCHAR(100) NOT NULL,
  state VARCHAR(20) NOT NULL,
  from_day VARCHAR(10) NOT NULL,
  to_day VARCHAR(10) NOT NULL,
  reason VARCHAR(200) NOT NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('recommended', 'in_term', 'ended')),
  CHECK (state <> 'in_term' OR from_day <> '')
);
CREATE INDEX memberships_group ON memberships (group_id, state);
CREATE INDEX memberships_person ON memberships (person_id);
CREATE INDEX memberships_expert ON memberships (expert_id);

CREATE TABLE guides (
  id VARCHAR(36) NOT NULL,
  programme_id VARCHAR(36) NOT NULL,
  title VARCHAR(200) NOT NULL,
  items LONGTEXT NOT NULL,
  criteria LONGTEXT NOT NULL,
  conditions LONGTEXT NOT NULL,
  materials LONGTEXT NOT NULL,
  method VARCHAR(20) NOT NULL,
  percent BIGINT NOT NULL,
  tie_steps LONGTEXT NOT NULL,
  pass_line BIGINT NOT NULL,
  places BIGINT NOT NULL,
  budget_fen BIGINT NOT NULL,
  opens_at DATETIME NOT NULL,
  closes_at DATETIME NOT NULL,
  state VARCHAR(20) NOT NULL,
  approved_by VARCHAR(36) NOT NULL,
  version BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('draft', 'approved', 'published')),
  CHECK (state = 'draft' OR approved_by <> ''),
  CHECK (opens_at < closes_at)
);
CREATE INDEX guides_programme ON guides (programme_id);

CREATE TABLE applications (
  id VARCHAR(36) NOT NULL,
  number VARCHAR(40) NOT NULL,
  programme_id VARCHAR(36) NOT NULL,
  guide_id VARCHAR(36) NOT NULL,
  item_code VARCHAR(20) NOT NULL,
  title VARCHAR(200) NOT NULL,
  lead_unit_id VARCHAR(36) NOT NULL,
  leader_id VARCHAR(36) NOT NULL,
  leader_name VARCHAR(100) NOT NULL,
  joint BOOLEAN NOT NULL,
  fiscal_fen BIGINT NOT NULL,
  joint_fen BIGINT NOT NULL,
  self_fen BIGINT NOT NULL,
  months BIGINT NOT NULL,
  summary LONGTEXT NOT NULL,
  avoid LONGTEXT NOT NULL,
  materials LONGTEXT NOT NULL,
  budget LONGTEXT NOT NULL,
  answers LONGTEXT NOT NULL,
  committed_fen BIGINT NOT NULL,
  screenings LONGTEXT NOT NULL,
  late_until DATETIME NULL,
  late_reason VARCHAR(500) NOT NULL,
  state VARCHAR(20) NOT NULL,
  state_reason VARCHAR(500) NOT NULL,
  corrections BIGINT NOT NULL,
  correct_by VARCHAR(10) NOT NULL,
  recommended_at DATETIME NULL,
  submitted_at DATETIME NULL,
  review_id VARCHAR(36) NOT NULL,
  created_by VARCHAR(36) NOT NULL,
  version BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('draft', 'unit_review', 'submitted', 'correction', 'accepted', 'refused', 'in_review', 'reviewed', 'proposed', 'reserve', 'declined', 'awarded', 'withdrawn')),
  CHECK (fiscal_fen >= 0 AND joint_fen >= 0 AND self_fen >= 0),
  CHECK (state IN ('draft', 'unit_review', 'withdrawn') OR number <> '')
);
CREATE INDEX applications_programme ON applications (programme_id, leader_id);
CREATE INDEX applications_guide ON applications (guide_id);
CREATE INDEX applications_lead ON applications (lead_unit_id);
CREATE INDEX applications_review ON applications (review_id);
CREATE INDEX applications_leader ON applications (leader_id);

CREATE TABLE application_people (
  application_id VARCHAR(36) NOT NULL,
  person_id VARCHAR(36) NOT NULL,
  name VARCHAR(100) NOT NULL,
  role VARCHAR(10) NOT NULL,
  unit_id VARCHAR(36) NOT NULL,
  PRIMARY KEY (application_id, person_id)
);
CREATE INDEX application_people_person ON application_people (person_id);

CREATE TABLE application_units (
  application_id VARCHAR(36) NOT NULL,
  unit_id VARCHAR(36) NOT NULL,
  role VARCHAR(10) NOT NULL,
  recommended_at DATETIME NULL,
  PRIMARY KEY (application_id, unit_id, role)
);
CREATE INDEX application_units_unit ON application_units (unit_id);

CREATE TABLE conflict_decisions (
  id VARCHAR(36) NOT NULL,
  reason_key VARCHAR(64) NOT NULL,
  expert_id VARCHAR(36) NOT NULL,
  kind VARCHAR(20) NOT NULL,
  decision VARCHAR(10) NOT NULL,
  reason VARCHAR(500) NOT NULL,
  decided_by VARCHAR(36) NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (decision IN ('dismissed', 'pinned'))
);
CREATE UNIQUE INDEX conflict_decisions_key ON conflict_decisions (reason_key);

CREATE TABLE interests (
  id VARCHAR(36) NOT NULL,
  user_id VARCHAR(36) NOT NULL,
  unit_id VARCHAR(36) NOT NULL,
  application_id VARCHAR(36) NOT NULL,
  reason LONGBLOB NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK ((unit_id = '') <> (application_id = ''))
);
CREATE INDEX interests_user ON interests (user_id);

CREATE TABLE distinctions (
  id VARCHAR(36) NOT NULL,
  person_a VARCHAR(36) NOT NULL,
  person_b VARCHAR(36) NOT NULL,
  reason VARCHAR(500) NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);
CREATE INDEX distinctions_people ON distinctions (person_a, person_b);

CREATE TABLE reviews (
  id VARCHAR(36) NOT NULL,
  number VARCHAR(40) NOT NULL,
  programme_id VARCHAR(36) NOT NULL,
  guide_id VARCHAR(36) NOT NULL,
  purpose VARCHAR(20) NOT NULL,
  title VARCHAR(200) NOT NULL,
  officer_id VARCHAR(36) NOT NULL,
  technical BIGINT NOT NULL,
  management BIGINT NOT NULL,
  finance BIGINT NOT NULL,
  unit_cap BIGINT NOT NULL,
  meeting_day VARCHAR(10) NOT NULL,
  meets_at DATETIME NULL,
  place VARCHAR(200) NOT NULL,
  link VARCHAR(500) NOT NULL,
  agenda LONGTEXT NOT NULL,
  defence LONGTEXT NOT NULL,
  paused_at DATETIME NULL,
  pause_reason VARCHAR(500) NOT NULL,
  redo_reason VARCHAR(500) NOT NULL,
  redo_by VARCHAR(36) NOT NULL,
  state VARCHAR(20) NOT NULL,
  attempt BIGINT NOT NULL,
  chair_seat_id VARCHAR(36) NOT NULL,
  chair_how VARCHAR(20) NOT NULL,
  opened_chair BOOLEAN NOT NULL,
  opened_by_supervisor BOOLEAN NOT NULL,
  opinion LONGBLOB NULL,
  opinion_hash VARCHAR(64) NOT NULL,
  opinion_salt VARCHAR(64) NOT NULL,
  ranking LONGTEXT NOT NULL,
  ranking_hash VARCHAR(64) NOT NULL,
  closed_at DATETIME NULL,
  version BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('preparing', 'frozen', 'drawn', 'composed', 'marking', 'discussing', 'closed', 'void')),
  CHECK (state <> 'closed' OR ranking_hash <> '')
);
CREATE UNIQUE INDEX reviews_number ON reviews (number);
CREATE INDEX reviews_guide ON reviews (guide_id);

CREATE TABLE draws (
  id VARCHAR(36) NOT NULL,
  review_id VARCHAR(36) NOT NULL,
  purpose VARCHAR(10) NOT NULL,
  attempt BIGINT NOT NULL,
  state VARCHAR(10) NOT NULL,
  frame LONGTEXT NOT NULL,
  frame_hash VARCHAR(64) NOT NULL,
  commitments LONGTEXT NOT NULL,
  reveals LONGTEXT NOT NULL,
  record LONGTEXT NOT NULL,
  reveal_by DATETIME NULL,
  committers LONGTEXT NOT NULL,
  approvals LONGTEXT NOT NULL,
  void_reason VARCHAR(500) NOT NULL,
  void_salt VARCHAR(64) NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (purpose IN ('panel', 'order')),
  CHECK (state IN ('frozen', 'run', 'void')),
  CHECK (state <> 'run' OR record <> '')
);
CREATE UNIQUE INDEX draws_attempt ON draws (review_id, purpose, attempt);
CREATE UNIQUE INDEX draws_frame ON draws (frame_hash);

CREATE TABLE frame_codes (
  id VARCHAR(36) NOT NULL,
  draw_id VARCHAR(36) NOT NULL,
  code VARCHAR(40) NOT NULL,
  expert_id VARCHAR(36) NOT NULL,
  salt LONGBLOB NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX frame_codes_code ON frame_codes (draw_id, code);

CREATE TABLE seats (
  id VARCHAR(36) NOT NULL,
  review_id VARCHAR(36) NOT NULL,
  application_id VARCHAR(36) NOT NULL,
  class VARCHAR(20) NOT NULL,
  code VARCHAR(40) NOT NULL,
  expert_id VARCHAR(36) NOT NULL,
  person_id VARCHAR(36) NOT NULL,
  unit_id VARCHAR(36) NOT NULL,
  state VARCHAR(20) NOT NULL,
  reason VARCHAR(500) NOT NULL,
  note LONGBLOB NULL,
  note_salt VARCHAR(64) NOT NULL,
  reply_by DATETIME NULL,
  pledged_at DATETIME NULL,
  signed_at DATETIME NULL,
  signed_hash VARCHAR(64) NOT NULL,
  attended_at DATETIME NULL,
  dissent LONGBLOB NULL,
  dissent_salt VARCHAR(64) NOT NULL,
  not_signed VARCHAR(500) NOT NULL,
  vote VARCHAR(36) NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('invited', 'accepted', 'pledged', 'vacated')),
  CHECK (state <> 'invited' OR reply_by IS NOT NULL),
  CHECK (state <> 'pledged' OR pledged_at IS NOT NULL)
);
CREATE INDEX seats_review ON seats (review_id);
CREATE INDEX seats_person ON seats (person_id);
CREATE INDEX seats_reply ON seats (state, reply_by);

CREATE TABLE declarations (
  id VARCHAR(36) NOT NULL,
  review_id VARCHAR(36) NOT NULL,
  seat_id VARCHAR(36) NOT NULL,
  application_id VARCHAR(36) NOT NULL,
  state VARCHAR(10) NOT NULL,
  kind VARCHAR(20) NOT NULL,
  reason LONGBLOB NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('clear', 'pending', 'approved', 'rejected'))
);
CREATE INDEX declarations_review ON declarations (review_id);
CREATE INDEX declarations_seat ON declarations (seat_id, application_id);

CREATE TABLE joint_seats (
  id VARCHAR(36) NOT NULL,
  review_id VARCHAR(36) NOT NULL,
  unit_id VARCHAR(36) NOT NULL,
  name VARCHAR(100) NOT NULL,
  post VARCHAR(50) NOT NULL,
  user_id VARCHAR(36) NOT NULL,
  opinion LONGTEXT NOT NULL,
  marks LONGBLOB NULL,
  participated_at DATETIME NULL,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX joint_seats_unit ON joint_seats (review_id, unit_id);
CREATE INDEX joint_seats_unit_id ON joint_seats (unit_id);

CREATE TABLE sheets (
  id VARCHAR(36) NOT NULL,
  review_id VARCHAR(36) NOT NULL,
  application_id VARCHAR(36) NOT NULL,
  seat_id VARCHAR(36) NOT NULL,
  number BIGINT NOT NULL,
  round BIGINT NOT NULL,
  state VARCHAR(20) NOT NULL,
  content LONGBLOB NULL,
  hash VARCHAR(64) NOT NULL,
  revision_reason LONGBLOB NULL,
  entered_by VARCHAR(36) NOT NULL,
  scan_id VARCHAR(36) NOT NULL,
  version BIGINT NOT NULL,
  submitted_at DATETIME NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('draft', 'submitted', 'revised', 'void')),
  CHECK (number >= 1),
  CHECK (round IN (1, 2)),
  CHECK ((state = 'draft') = (hash = ''))
);
CREATE UNIQUE INDEX sheets_number ON sheets (application_id, seat_id, number);
CREATE INDEX sheets_review ON sheets (review_id);
CREATE INDEX sheets_seat ON sheets (seat_id);

CREATE TABLE award_lists (
  id VARCHAR(36) NOT NULL,
  guide_id VARCHAR(36) NOT NULL,
  number BIGINT NOT NULL,
  reason VARCHAR(500) NOT NULL,
  state VARCHAR(20) NOT NULL,
  list_lines LONGTEXT NOT NULL,
  digest VARCHAR(64) NOT NULL,
  public_from VARCHAR(10) NOT NULL,
  public_to VARCHAR(10) NOT NULL,
  days_left BIGINT NOT NULL,
  notices LONGTEXT NOT NULL,
  officer_id VARCHAR(36) NOT NULL,
  version BIGINT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('drafted', 'deliberated', 'public', 'interrupted', 'confirmed', 'superseded'))
);
CREATE UNIQUE INDEX award_lists_number ON award_lists (guide_id, number);

CREATE TABLE conclusions (
  id VARCHAR(36) NOT NULL,
  list_id VARCHAR(36) NOT NULL,
  kind VARCHAR(20) NOT NULL,
  unit_id VARCHAR(36) NOT NULL,
  agreed BOOLEAN NOT NULL,
  document VARCHAR(100) NOT NULL,
  day VARCHAR(10) NOT NULL,
  lines_hash VARCHAR(64) NOT NULL,
  file_id VARCHAR(36) NOT NULL,
  words LONGTEXT NOT NULL,
  schedule LONGTEXT NOT NULL,
  vote LONGTEXT NOT NULL,
  entered_by VARCHAR(36) NOT NULL,
  entered BOOLEAN NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  CHECK (kind IN ('joint_unit', 'conference', 'finance', 'deliberation'))
);
CREATE INDEX conclusions_list ON conclusions (list_id);

CREATE TABLE objections (
  id VARCHAR(36) NOT NULL,
  list_id VARCHAR(36) NOT NULL,
  application_id VARCHAR(36) NOT NULL,
  name LONGBLOB NULL,
  contact LONGBLOB NULL,
  text LONGBLOB NULL,
  answer LONGBLOB NULL,
  salt VARCHAR(64) NOT NULL,
  state VARCHAR(20) NOT NULL,
  finding LONGBLOB NULL,
  accept_by VARCHAR(10) NOT NULL,
  answer_by VARCHAR(10) NOT NULL,
  archived_at DATETIME NULL,
  decided_by VARCHAR(36) NOT NULL,
  created_at DATETIME NOT NULL,
  decided_at DATETIME NULL,
  PRIMARY KEY (id),
  CHECK (state IN ('lodged', 'accepted', 'rejected', 'investigating', 'upheld', 'dismissed'))
);
CREATE INDEX objections_list ON objections (list_id);
