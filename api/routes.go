package api

// routes is the whole table: who may is the permission's rows in policy.csv.
func (s *Server) routes() {
	s.sessionRoutes()

	read(s, row{"GET", "/api/users", "user list", "用户列表", false}, s.listUsers)
	write(s, row{"POST", "/api/users", "user create", "建立用户并发送激活链接", false}, s.createUser)
	write(s, row{"POST", "/api/users/{id}/disable", "user disable", "停用账号", false}, s.disableUser)
	write(s, row{"POST", "/api/users/{id}/reset", "user reset", "重发激活或重置密码链接", false}, s.resetUser)
	write(s, row{"POST", "/api/users/{id}/grant", "user grant", "授予角色", false}, s.grantRole)
	write(s, row{"POST", "/api/users/{id}/revoke", "user revoke", "收回角色", false}, s.revokeRole)
	write(s, row{"POST", "/api/activations", "user activate", "用一次性链接设置密码", true}, s.activateUser)
}
