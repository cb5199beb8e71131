// Package calendar counts days as the regulation means them: civil days in
// Asia/Shanghai. The day after an event is day 1; a deadline ends at 24:00 of
// its day. Working days follow the calendar of each year, which an officer
// loads from the State Council's notice; a year that is not loaded refuses the
// computation rather than guess.
package calendar

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Zone is Asia/Shanghai, which has had no other offset since 1991.
var Zone = time.FixedZone("Asia/Shanghai", 8*3600)

const form = "2006-01-02"

// Day is the civil day of an instant, YYYY-MM-DD.
func Day(at time.Time) string { return at.In(Zone).Format(form) }

// Stamp writes an instant as people here read it.
func Stamp(at time.Time) string { return at.In(Zone).Format("2006-01-02 15:04") }

// Parse reads a civil day; its instant is 00:00 in Shanghai.
func Parse(day string) (time.Time, error) {
	at, err := time.ParseInLocation(form, day, Zone)
	if err != nil || at.Format(form) != day {
		return time.Time{}, fmt.Errorf("“%.20s”不是日期，应为YYYY-MM-DD", day)
	}
	return at, nil
}

// End is 24:00 of a civil day: the first instant too late.
func End(day string) (time.Time, error) {
	at, err := Parse(day)
	return at.AddDate(0, 0, 1), err
}

// After is the civil day n calendar days after an event; holidays count (art. 23).
func After(event time.Time, n int) string { return Day(event.In(Zone).AddDate(0, 0, n)) }

// Year is a year's exceptions to Monday to Friday.
type Year struct {
	Year     int      `json:"year" minimum:"2000" maximum:"2100" example:"2027"`
	Holidays []string `json:"holidays" maxItems:"366" doc:"放假日" example:"[\"2027-01-01\"]"`
	Workdays []string `json:"workdays" maxItems:"60" doc:"调休上班的周末" example:"[\"2027-02-14\"]"`
	Source   string   `json:"source" maxLength:"200" doc:"依据" example:"国务院办公厅关于2027年部分节假日安排的通知"`
}

// ParseYear reads a year and refuses days of another.
func ParseYear(data []byte) (Year, error) {
	var y Year
	if err := json.Unmarshal(data, &y); err != nil {
		return y, fmt.Errorf("日历不是合法的JSON：%w", err)
	}
	for _, day := range slices.Concat(y.Holidays, y.Workdays) {
		if at, err := Parse(day); err != nil || at.Year() != y.Year {
			return y, fmt.Errorf("日历%d年中的%s不是该年的日期", y.Year, day)
		}
	}
	return y, nil
}

// Calendar is the loaded years.
type Calendar map[int]Year

// Working tells whether a civil day is a working day.
func (c Calendar) Working(at time.Time) (bool, error) {
	at = at.In(Zone)
	year, ok := c[at.Year()]
	if !ok {
		return false, fmt.Errorf("%d年的工作日历尚未载入，无法计算工作日，请先由经办载入该年日历", at.Year())
	}
	day := at.Format(form)
	switch {
	case slices.Contains(year.Holidays, day):
		return false, nil
	case slices.Contains(year.Workdays, day):
		return true, nil
	}
	return at.Weekday() != time.Saturday && at.Weekday() != time.Sunday, nil
}

// WorkingAfter is the civil day on which the n-th working day after an event falls.
func (c Calendar) WorkingAfter(event time.Time, n int) (string, error) {
	at, err := Parse(Day(event))
	if err != nil {
		return "", err
	}
	for n > 0 {
		at = at.AddDate(0, 0, 1)
		working, err := c.Working(at)
		if err != nil {
			return "", err
		}
		if working {
			n--
		}
	}
	return Day(at), nil
}
