package api

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/png"
	"slices"
	"time"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"keping/rbac/store"
	"keping/reviewing"
	reviewstore "keping/reviewing/store"
)

func (s *Server) returnList(step *store.Step, in *reasoned) (reviewing.AwardList, error) {
	return s.Reviews.ReturnList(step, in.ID, in.Body.Reason)
}

func (s *Server) interruptPublicity(step *store.Step, in *reasoned) (reviewing.AwardList, error) {
	return s.Reviews.InterruptPublicity(step, in.ID, in.Body.Reason)
}

func (s *Server) resumePublicity(step *store.Step, in *ByID) (reviewing.AwardList, error) {
	return s.Reviews.ResumePublicity(step, in.ID)
}

func (s *Server) correctPublicity(step *store.Step, in *struct {
	ByID
	Body struct {
		Text string `json:"text" minLength:"5" maxLength:"1000" doc:"更正公告全文，向公众显示"`
	}
}) (reviewing.AwardList, error) {
	return s.Reviews.CorrectPublicity(step, in.ID, in.Body.Text)
}

func (s *Server) whatIf(step *store.Step, in *struct {
	ID          string `path:"id" maxLength:"64"`
	Expert      string `query:"expert" required:"true" maxLength:"40" doc:"专家代号" example:"T-001"`
	Application string `query:"application" maxLength:"40" doc:"申报编号；空为全部"`
}) (reviewstore.WhatIf, error) {
	return s.Reviews.WhatIfVoid(step, in.ID, in.Expert, in.Application)
}

func (s *Server) readFeedback(step *store.Step, in *byID) (reviewstore.Feedback, error) {
	return s.Reviews.FeedbackOf(step, in.ID)
}

func (s *Server) readPublicity(r *Reading, in *byID) (reviewstore.Publicity, error) {
	return s.Reviews.PublicityOf(r, in.ID)
}

// publicityPage is what a visitor without login reads, prints and checks: no
// script, and the journal's checkpoint as a QR code.
func (s *Server) publicityPage(r *Reading, in *byID) (exported, error) {
	p, err := s.Reviews.PublicityOf(r, in.ID)
	if err != nil {
		return exported{}, err
	}
	code, err := qr.Encode(fmt.Sprintf("keping %d:%s %s", p.Checkpoint.Seq, p.Checkpoint.Hash, p.Digest), qr.M, qr.Auto)
	if err != nil {
		return exported{}, err
	}
	if code, err = barcode.Scale(code, 240, 240); err != nil {
		return exported{}, err
	}
	var picture, page bytes.Buffer
	if err := png.Encode(&picture, code); err != nil {
		return exported{}, err
	}
	err = publicPage.Execute(&page, struct {
		reviewstore.Publicity
		QR   template.URL
		Data string
	}{p, template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(picture.Bytes())), s.cfg.PublicURL + "/api/publicities/" + p.ID})
	return exported{kind: "text/html; charset=utf-8", data: page.Bytes(), policy: "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}, err
}

// chineseDay writes 2025-06-10 as people read it.
func chineseDay(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("2006年1月2日")
}

var publicPage = template.Must(template.New("publicity").Funcs(template.FuncMap{"wan": reviewing.WanColumn, "day": chineseDay, "has": slices.Contains[[]string]}).Parse(`<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{{.Guide}} 拟立项项目公示</title>
<style>body{font-family:serif;max-width:60em;margin:2em auto;padding:0 1em;line-height:1.7}table{border-collapse:collapse;width:100%}th,td{border:1px solid #555;padding:.4em;text-align:left}td.n{text-align:right}code{word-break:break-all}[role=alert]{border:3px solid #a00;padding:.6em}@media print{a{color:inherit}}</style></head>
<body><main>{{if eq .State "superseded"}}<p role="alert"><strong>本公示已被新版清单取代，仅供查阅，不再受理异议。</strong>{{if .ReplacedBy}}请见<a href="/api/publicities/{{.ReplacedBy}}/page">现行公示</a>。{{else}}新版清单正在履行程序，尚未公示。{{end}}</p>
{{else if eq .State "interrupted"}}<p role="alert"><strong>公示已中断，恢复后顺延，期限另行公布；中断期间不受理异议。</strong></p>
{{end}}<h1>{{.Guide}}<br>拟立项项目公示</h1>
<p>公示期：{{day .From}}（次日起算）至{{day .To}}24时。{{if eq .State "public"}}对公示项目有异议的，请在公示期内以真实姓名向监督人员提出，并附联系方式和依据；异议人信息受到保护。{{end}}</p>
<p>监督人员联系方式：{{.Contact}}。</p>
{{range .Notices}}<p role="note"><strong>更正公告（{{day .Day}}）：</strong>{{.Text}}</p>{{end}}
<table><caption>拟立项项目（财政资助单位：万元）</caption><thead><tr><th scope="col">申报编号</th><th scope="col">项目名称</th><th scope="col">牵头单位</th><th scope="col">项目负责人</th><th scope="col">财政资助</th><th scope="col">备注</th></tr></thead><tbody>
{{$stopped := .Stopped}}{{range .Lines}}<tr><td>{{.Number}}</td><td>{{.Title}}</td><td>{{.LeadUnit}}</td><td>{{.Leader}}</td><td class="n">{{wan .FiscalFen}}</td><td>{{if has $stopped .Number}}异议处理中，暂停{{end}}</td></tr>
{{end}}</tbody></table>
<h2>核验</h2><p><img src="{{.QR}}" width="120" height="120" alt="检查点二维码">本公示载于日志第{{.Checkpoint.Seq}}条，检查点<code>{{.Checkpoint.Hash}}</code>；公示摘要<code>{{.Digest}}</code>。</p>
<p>任何人都可以复算：本公示的数据在<code>{{.Data}}</code>，下载后运行<code>keping-verify publicity 文件.json</code>；或自行把其中的lines按规范JSON（RFC 8785：键按字节排序、不留空白、UTF-8）写出，求SM3，应与公示摘要一致。公示时日志记下的public_digest也是它。</p>
</main></body></html>
`))
