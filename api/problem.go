package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"keping/rbac"
	"keping/rbac/rulebook"
)

// Problem is the one error answer (RFC 9457): code is the kind of refusal,
// errors name fields, verdicts name rules with articles, values and remedy.
type Problem struct {
	Type     string             `json:"type" example:"about:blank"`
	Title    string             `json:"title" example:"不符合规则"`
	Status   int                `json:"status" example:"422"`
	Detail   string             `json:"detail" doc:"可直接给用户看的说明" example:"重大项目财政资助为10—30万元，现为31万元（第四条）。"`
	Code     string             `json:"code" example:"rule"`
	Errors   []rbac.Field       `json:"errors"`
	Verdicts []rulebook.Verdict `json:"verdicts"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// outcomes is the one map from kinds of refusal to HTTP.
var outcomes = map[rbac.Kind]struct {
	status int
	title  string
}{
	rbac.Unreadable:        {http.StatusBadRequest, "请求无法读取"},
	rbac.NotSignedIn:       {http.StatusUnauthorized, "未登录"},
	rbac.RefusedRole:       {http.StatusForbidden, "无权办理"},
	rbac.CrossOrigin:       {http.StatusForbidden, "跨站请求被拒绝"},
	rbac.NotFound:          {http.StatusNotFound, "没有找到"},
	rbac.RefusedHidden:     {http.StatusNotFound, "没有找到"},
	rbac.RefusedState:      {http.StatusConflict, "当前状态不允许"},
	rbac.RefusedVersion:    {http.StatusConflict, "内容已被改动"},
	rbac.TooLarge:          {http.StatusRequestEntityTooLarge, "内容过大"},
	rbac.MediaType:         {http.StatusUnsupportedMediaType, "格式不支持"},
	rbac.RefusedRule:       {http.StatusUnprocessableEntity, "不符合规则"},
	rbac.RefusedValidation: {http.StatusUnprocessableEntity, "填写有误"},
	rbac.Throttled:         {http.StatusTooManyRequests, "操作过于频繁"},
	rbac.Unavailable:       {http.StatusServiceUnavailable, "暂不可用"},
}

// problemOf turns any error into the answer; what is no refusal is a fault of
// ours, logged with its cause and answered without it.
func problemOf(ctx context.Context, err error) *Problem {
	if p, ok := err.(*Problem); ok {
		return p
	}
	refusal, ok := rbac.AsRefusal(err)
	if !ok {
		slog.ErrorContext(ctx, "fault", "error", err)
		return &Problem{Type: "about:blank", Title: "系统故障", Status: http.StatusInternalServerError, Code: "fault",
			Detail: "系统出现故障，本次操作没有执行。请稍后重试；仍不行请联系系统管理员。", Errors: []rbac.Field{}, Verdicts: []rulebook.Verdict{}}
	}
	o := outcomes[refusal.Kind]
	code := string(refusal.Kind)
	if refusal.Kind == rbac.RefusedHidden {
		code = string(rbac.NotFound)
	}
	p := &Problem{Type: "about:blank", Title: o.title, Status: o.status, Code: code, Detail: refusal.Message,
		Errors: refusal.Fields, Verdicts: refusal.Verdicts}
	if p.Errors == nil {
		p.Errors = []rbac.Field{}
	}
	if p.Verdicts == nil {
		p.Verdicts = []rulebook.Verdict{}
	}
	return p
}

// humaProblem turns what huma itself refuses (unreadable bodies, wrong types)
// into the same vocabulary, in Chinese, and journals it where it must be.
func humaProblem(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
	refusal := &rbac.Refusal{Kind: rbac.RefusedValidation, Message: "填写有误"}
	switch status {
	case http.StatusBadRequest:
		refusal.Kind, refusal.Message = rbac.Unreadable, "请求内容无法读取"
	case http.StatusRequestEntityTooLarge:
		refusal.Kind, refusal.Message = rbac.TooLarge, "请求内容超过允许的大小，请压缩或拆分后再提交"
	case http.StatusUnsupportedMediaType:
		refusal.Kind, refusal.Message = rbac.MediaType, "不支持的内容格式，请使用 application/json（上传文件用 multipart/form-data）"
	case http.StatusRequestTimeout:
		refusal.Kind, refusal.Message = rbac.Unreadable, "读取请求超时，请检查网络后重试"
	}
	if status == http.StatusBadRequest && len(errs) == 0 { // huma has said all in its message
		errs = []error{errors.New(message)}
	}
	for _, err := range errs {
		if err == nil {
			continue
		}
		if strings.Contains(err.Error(), "http: request body too large") {
			refusal.Kind, refusal.Message = rbac.TooLarge, "请求内容超过允许的大小，请压缩或拆分后再提交"
			break
		}
		field := rbac.Field{Field: "body", Message: chinese(err.Error())}
		if detail, ok := err.(*huma.ErrorDetail); ok {
			field = rbac.Field{Field: fieldName(detail.Location), Message: chinese(detail.Message)}
		}
		refusal.Fields = append(refusal.Fields, field)
	}
	if len(refusal.Fields) > 0 && refusal.Kind != rbac.TooLarge {
		refusal.Message += "：" + refusal.Fields[0].Field + "：" + refusal.Fields[0].Message
	}
	if ctx == nil { // huma asks once for a sample, to document the type
		return &Problem{Status: status}
	}
	if r := requestOf(ctx.Context()); r != nil {
		if err := r.server.refuse(ctx.Context(), r, refusal); err != nil {
			return problemOf(ctx.Context(), err)
		}
	}
	return problemOf(ctx.Context(), refusal)
}

// fieldName drops where in the request the field stood: "body.title" → "title".
func fieldName(location string) string {
	for _, prefix := range []string{"body.", "path.", "query.", "header."} {
		if rest, ok := strings.CutPrefix(location, prefix); ok {
			return rest
		}
	}
	return location
}
