-- +goose Up

-- What the list of applications is searched by, in the order of its pages.
CREATE INDEX applications_search ON applications (id, number, title, leader_name, lead_unit_id, state);
