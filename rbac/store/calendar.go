package store

import (
	"context"
	"io/fs"

	"gorm.io/gorm/clause"

	"keping/rbac"
	"keping/rbac/calendar"
)

// calendarRow is one loaded year.
type calendarRow struct {
	Year    int    `gorm:"primaryKey;autoIncrement:false"`
	Content string `gorm:"type:longtext"`
	Version int
}

func (calendarRow) TableName() string { return "calendars" }

// LoadCalendar is all loaded years.
func LoadCalendar(step *Step) (calendar.Calendar, error) {
	var rows []calendarRow
	if err := step.Find(&rows).Error; err != nil {
		return nil, err
	}
	c := calendar.Calendar{}
	for _, r := range rows {
		y, err := calendar.ParseYear([]byte(r.Content))
		if err != nil {
			return nil, err
		}
		c[r.Year] = y
	}
	return c, nil
}

// SaveCalendar loads or replaces a year.
func (s *Store) SaveCalendar(step *Step, content []byte) (calendar.Year, error) {
	y, err := calendar.ParseYear(content)
	if err != nil {
		return y, rbac.Invalid("content", "%v", err)
	}
	step.Fact("year", y.Year)
	return y, step.Clauses(clause.OnConflict{UpdateAll: true}).Create(&calendarRow{Year: y.Year, Content: string(content), Version: 1}).Error
}

// Calendars are the loaded years, in order.
func (s *Store) Calendars(ctx context.Context) ([]calendar.Year, error) {
	var rows []calendarRow
	if err := s.DB.Read(ctx).Order("year").Find(&rows).Error; err != nil {
		return nil, err
	}
	years := make([]calendar.Year, len(rows))
	for i, r := range rows {
		y, err := calendar.ParseYear([]byte(r.Content))
		if err != nil {
			return nil, err
		}
		years[i] = y
	}
	return years, nil
}

// EnsureCalendars loads the shipped years that are not there yet, as "cli".
func (s *Store) EnsureCalendars(ctx context.Context, shipped fs.FS) error {
	var n int64
	if err := s.DB.Read(ctx).Model(&calendarRow{}).Count(&n).Error; err != nil || n > 0 {
		return err
	}
	names, err := fs.Glob(shipped, "*.json")
	if err != nil {
		return err
	}
	call := Call{Actor: rbac.Actor{Role: rbac.CLI}, Permission: "calendar load"}
	_, _, err = Act(ctx, s, call, func(step *Step) (struct{}, error) {
		for _, name := range names {
			content, err := fs.ReadFile(shipped, name)
			if err != nil {
				return struct{}{}, err
			}
			if _, err := s.SaveCalendar(step, content); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}
