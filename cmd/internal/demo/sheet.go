package demo

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
)

type sheetRow struct {
	ID            string
	ApplicationID string `json:"application_id"`
	Version       int
	Number        int
	State         string
}

// points is a steady pseudo-random mark between 62 % and 94 % of the maximum.
func points(key string, maximum int) float64 {
	h := fnv.New32a()
	h.Write([]byte(key))
	share := 0.62 + float64(h.Sum32()%1000)/1000*0.32
	return math.Round(float64(maximum)*share*2) / 2
}

// mark has everybody mark, elects the chair, opens with two keys, revises one
// sheet after the discussion and signs.
func (s *story) mark(r *reviewRow, tie bool) error {
	officer, supervisor := s.users["officer"], s.users["supervisor"]
	path := "/api/reviews/" + r.ID
	seats, err := read[page[seatRow]](s.users["supervisor"], path+"/seats")
	if err != nil {
		return err
	}
	number := map[string]string{}
	for _, a := range r.applications {
		number[a.ID] = a.Number
	}
	var panel []seatRow
	chair := ""
	for _, seat := range seats.Items {
		if seat.State != "pledged" {
			continue
		}
		panel = append(panel, seat)
		if seat.ApplicationID == "" && chair == "" && seat.Class == "technical" {
			chair = seat.ID
		}
	}
	content := func(seat seatRow, sheet sheetRow, note string) map[string]any {
		var marks []map[string]any
		for _, c := range criteria(s.years[r.programme].kind) {
			classes := c["classes"].([]string)
			if len(classes) > 0 && !slices.Contains(classes, seat.Class) {
				continue
			}
			key := number[sheet.ApplicationID] + note
			if tie && slices.Contains([]string{number[r.applications[0].ID], number[r.applications[1].ID]}, number[sheet.ApplicationID]) {
				key = "tie"
			}
			marks = append(marks, map[string]any{"criterion": c["code"], "mark": points(key+seat.Code+c["code"].(string), c["maximum"].(int)/100)})
		}
		return map[string]any{"version": sheet.Version, "marks": marks, "recommendation": "recommend", "opinion": "方案可行，建议立项支持。"}
	}
	var revise func() error
	for _, seat := range panel {
		c := s.users[seat.Name+seat.Class]
		if seat.ApplicationID == "" {
			_, err := c.call("POST", path+"/vote_chair", map[string]any{"seat_id": chair})
			var p *problem
			if err != nil && !(errors.As(err, &p) && p.Status == 409) { // a majority has elected already
				return err
			}
		}
		sheets, err := read[page[sheetRow]](c, "/api/sheets?review_id="+r.ID)
		if err != nil {
			return err
		}
		for i, sheet := range sheets.Items {
			if sheet.State != "draft" {
				continue
			}
			if i == 0 && seat.ID == chair {
				body := content(seat, sheet, "")
				body["marks"].([]map[string]any)[0]["mark"] = 100.01
				_, err := c.call("POST", "/api/sheets/"+sheet.ID+"/submit", body)
				var p *problem
				if !errors.As(err, &p) || p.Status != 422 {
					return fmt.Errorf("超过满分的评分应被拒绝，实为%v", err)
				}
				s.say("✗ 评分100.01：%s", p.Detail)
				draft, err := write[sheetRow](c, "PATCH", "/api/sheets/"+sheet.ID, content(seat, sheet, ""))
				if err != nil {
					return err
				}
				sheet.Version = draft.Version
			}
			if _, err := c.call("POST", "/api/sheets/"+sheet.ID+"/submit", content(seat, sheet, "")); err != nil {
				return err
			}
			if !tie && i == 1 && seat.ID == chair {
				again := sheet
				again.Version++
				revise = func() error {
					body := content(seat, again, "讨论后")
					body["reason"] = "听取讨论后调整对技术路线的判断"
					_, err := c.call("POST", "/api/sheets/"+again.ID+"/revise", body)
					return err
				}
			}
		}
	}
	_, err = officer.call("GET", path+"/marks", nil)
	var p *problem
	if !errors.As(err, &p) || p.Status != 409 {
		return fmt.Errorf("开启前查看评分应被拒绝，实为%v", err)
	}
	s.say("✗ 开启前经办查看评分：%s", p.Detail)
	chairClient := s.users[nameOfSeat(panel, chair)]
	if _, err := chairClient.call("POST", path+"/open", map[string]any{}); err != nil {
		return err
	}
	if _, err := supervisor.call("POST", path+"/open", map[string]any{}); err != nil {
		return err
	}
	s.say("✓ 组长与监督两把钥匙开启评分，进入讨论")
	if revise != nil {
		if err := revise(); err != nil {
			return err
		}
		s.say("✓ 讨论后一份评分修改一次，理由与前后两个分数都留存")
	}
	if _, err := chairClient.call("POST", path+"/opinion", map[string]any{"text": "专家组认为申报项目总体符合指南要求，评审程序规范，意见一致。"}); err != nil {
		return err
	}
	signed := map[string]bool{}
	for _, seat := range panel {
		if signed[seat.Name] {
			continue
		}
		signed[seat.Name] = true
		if _, err := s.users[seat.Name+seat.Class].call("POST", path+"/sign", map[string]any{"password": password}); err != nil {
			return err
		}
	}
	return nil
}

func nameOfSeat(seats []seatRow, id string) string {
	for _, seat := range seats {
		if seat.ID == id {
			return seat.Name + seat.Class
		}
	}
	return ""
}
