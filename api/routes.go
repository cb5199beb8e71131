package api

// routes is the whole table: who may is the permission's rows in policy.csv.
func (s *Server) routes() {
	s.sessionRoutes()

	// users and roles
	read(s, row{"GET", "/api/users", "user list", "用户列表", false}, s.listUsers)
	write(s, row{"POST", "/api/users", "user create", "建立用户并发送激活链接", false}, s.createUser)
	write(s, row{"POST", "/api/users/{id}/disable", "user disable", "停用账号", false}, s.disableUser)
	write(s, row{"POST", "/api/users/{id}/reset", "user reset", "重发激活或重置密码链接", false}, s.resetUser)
	write(s, row{"POST", "/api/users/{id}/grant", "user grant", "授予角色", false}, s.grantRole)
	write(s, row{"POST", "/api/users/{id}/revoke", "user revoke", "收回角色", false}, s.revokeRole)
	write(s, row{"POST", "/api/activations", "user activate", "用一次性链接设置密码", true}, s.activateUser)

	// files, units
	write(s, row{"POST", "/api/files", "file create", "上传文件", true}, s.createFile)
	discloseFile(s, row{"GET", "/api/files/{id}", "file read", "下载文件（留痕）", false}, s.readFile)
	read(s, row{"GET", "/api/units", "unit list", "单位列表", false}, s.listUnits)
	write(s, row{"POST", "/api/units", "unit create", "登记单位", false}, s.createUnit)
	write(s, row{"POST", "/api/units/import", "unit import", "导入单位", false}, s.importUnits)

	// pools
	read(s, row{"GET", "/api/experts", "expert list", "专家库检索", false}, s.listExperts)
	read(s, row{"GET", "/api/experts/{id}", "expert read", "专家档案（证件、手机已遮盖）", false}, s.readExpert)
	write(s, row{"POST", "/api/experts", "expert create", "推荐专家", false}, s.createExpert)
	write(s, row{"POST", "/api/experts/import", "expert import", "导入专家", false}, s.importExperts)
	write(s, row{"POST", "/api/experts/admit", "expert admit", "审核入库", false}, s.admitExperts)
	write(s, row{"PATCH", "/api/experts/{id}", "expert update", "更新申报的事实", false}, s.updateExpert)
	write(s, row{"POST", "/api/experts/{id}/suspend", "expert suspend", "暂停", false}, s.moveExpert("suspend"))
	write(s, row{"POST", "/api/experts/{id}/resume", "expert resume", "恢复", false}, s.moveExpert("resume"))
	write(s, row{"POST", "/api/experts/{id}/exit", "expert exit", "退出", false}, s.moveExpert("exit"))
	write(s, row{"POST", "/api/releases", "release create", "软规则放行", false}, s.createRelease)

	// rule packs, calendars, messages
	read(s, row{"GET", "/api/rule_packs", "rule_pack list", "规则包列表", false}, s.listPacks)
	write(s, row{"POST", "/api/rule_packs", "rule_pack load", "载入规则包", false}, s.loadPack)
	write(s, row{"POST", "/api/rule_packs/{id}/approve", "rule_pack approve", "批准规则包", false}, s.approvePack)
	read(s, row{"GET", "/api/calendars", "calendar list", "工作日历", false}, s.listCalendars)
	write(s, row{"POST", "/api/calendars", "calendar load", "载入一年的工作日历", false}, s.loadCalendar)
	read(s, row{"GET", "/api/notices", "notice list", "通知的送达情况", false}, s.listNotices)

	// programmes and groups
	read(s, row{"GET", "/api/programmes", "programme list", "年度专项列表", false}, s.listProgrammes)
	read(s, row{"GET", "/api/programmes/{id}", "programme read", "年度专项及其专家组", false}, s.readProgramme)
	write(s, row{"POST", "/api/programmes", "programme create", "设立年度专项", false}, s.createProgramme)
	read(s, row{"GET", "/api/programmes/{id}/members", "membership list", "专家组名册", false}, s.listMembers)
	write(s, row{"POST", "/api/programmes/{id}/recommend", "membership recommend", "推荐专家组成员", false}, s.recommendMember)
	write(s, row{"POST", "/api/programmes/{id}/approve_group", "group approve", "审定专家组", false}, s.approveGroup)
	write(s, row{"POST", "/api/memberships/{id}/end", "membership end", "成员退出", false}, s.endMember)

	// guides and applications
	read(s, row{"GET", "/api/guides", "guide list", "申报指南列表", false}, s.listGuides)
	read(s, row{"GET", "/api/guides/{id}", "guide read", "申报指南", false}, s.readGuide)
	write(s, row{"POST", "/api/guides", "guide create", "编制指南", false}, s.createGuide)
	write(s, row{"PATCH", "/api/guides/{id}", "guide update", "修改指南", false}, s.updateGuide)
	write(s, row{"POST", "/api/guides/{id}/approve", "guide approve", "审定指南", false}, s.approveGuide)
	write(s, row{"POST", "/api/guides/{id}/publish", "guide publish", "发布指南", false}, s.publishGuide)
	read(s, row{"GET", "/api/applications", "application list", "申报书列表", false}, s.listApplications)
	read(s, row{"GET", "/api/applications/{id}", "application read", "申报书及其人员、单位", false}, s.readApplication)
	write(s, row{"POST", "/api/applications", "application create", "填写申报书", false}, s.createApplication)
	write(s, row{"POST", "/api/applications/import", "application import", "导入申报书", false}, s.importApplications)
	write(s, row{"PATCH", "/api/applications/{id}", "application update", "修改申报书", false}, s.updateApplication)
	write(s, row{"POST", "/api/applications/{id}/budget", "application budget", "填报预算", false}, s.setBudget)
	write(s, row{"POST", "/api/applications/{id}/recommend", "application recommend", "联合实施单位推荐", false}, s.recommendApplication)
	write(s, row{"POST", "/api/applications/{id}/submit", "application submit", "提交申报书", false}, s.submitApplication)
	write(s, row{"POST", "/api/applications/{id}/screen", "application screen", "形式审查", false}, s.screenApplication)
	write(s, row{"POST", "/api/applications/{id}/withdraw", "application withdraw", "撤回申报书", false}, s.withdrawApplication)
	write(s, row{"POST", "/api/distinctions", "distinction create", "确认同名不同人", false}, s.distinguish)

	// conflicts
	read(s, row{"POST", "/api/conflicts/check", "conflict check", "检查回避情形（不留痕）", false}, s.checkConflicts)
	write(s, row{"POST", "/api/conflicts/decide", "conflict decide", "处理待定的回避情形", false}, s.decideConflict)

	// review: panel
	read(s, row{"GET", "/api/reviews", "review list", "评审批次列表", false}, s.listReviews)
	read(s, row{"GET", "/api/reviews/{id}", "review read", "评审批次", false}, s.readReview)
	write(s, row{"POST", "/api/reviews", "review create", "设立评审批次", false}, s.createReview)
	read(s, row{"GET", "/api/reviews/{id}/feasibility", "review forecast", "能否组成专家组", false}, s.checkFeasibility)
	write(s, row{"POST", "/api/reviews/{id}/freeze", "frame freeze", "锁定候选名单", false}, s.freezeFrame)
	read(s, row{"GET", "/api/draws/{id}", "draw read", "抽取进展", false}, s.readDraw)
	readFile(s, row{"GET", "/api/draws/{id}/frame", "draw frame", "候选名单（供承诺）", false}, s.drawFrame)
	write(s, row{"POST", "/api/draws/{id}/commit", "draw commit", "承诺", false}, s.commitDraw)
	write(s, row{"POST", "/api/draws/{id}/reveal", "draw reveal", "揭示；各方揭示后即抽取", true}, s.revealDraw)
	write(s, row{"POST", "/api/draws/{id}/void", "draw void", "作废抽取（领导与监督都须同意）", false}, s.voidDraw)
	readFile(s, row{"GET", "/api/draws/{id}/record", "draw export", "抽取记录", false}, s.drawRecord)
	write(s, row{"POST", "/api/invitations/reply", "invitation reply", "用一次性链接答复评审邀请", true}, s.replyInvitation)
	read(s, row{"GET", "/api/reviews/{id}/seats", "seat list", "专家组席位", false}, s.listSeats)
	write(s, row{"POST", "/api/seats/{id}/replace", "seat replace", "替换专家", false}, s.replaceSeat)
	write(s, row{"POST", "/api/reviews/{id}/appoint", "seat appoint", "候补用尽时直接指定专家", false}, s.appointSeat)
	write(s, row{"POST", "/api/reviews/{id}/confirm", "panel confirm", "确认专家组", false}, s.confirmPanel)
	write(s, row{"POST", "/api/reviews/{id}/pledge", "seat pledge", "签署承诺书", false}, s.pledgeSeat)
	read(s, row{"GET", "/api/reviews/{id}/papers", "paper list", "本人评审的申报书", false}, s.listPapers)
	write(s, row{"POST", "/api/reviews/{id}/declare", "declaration create", "逐项回避声明", false}, s.createDeclaration)
	read(s, row{"GET", "/api/reviews/{id}/declarations", "declaration list", "回避声明", false}, s.listDeclarations)
	write(s, row{"POST", "/api/declarations/{id}/approve", "declaration approve", "批准回避", false}, s.approveDeclaration)
	write(s, row{"POST", "/api/declarations/{id}/reject", "declaration reject", "驳回回避申请", false}, s.rejectDeclaration)
	write(s, row{"POST", "/api/reviews/{id}/participate", "joint_seat participate", "联合实施单位参与评审", false}, s.takePart)

	// review: marks
	write(s, row{"POST", "/api/reviews/{id}/start", "review start", "开始评分", false}, s.startMarking)
	write(s, row{"POST", "/api/reviews/{id}/vote_chair", "chair vote", "推选组长", false}, s.voteChair)
	write(s, row{"POST", "/api/reviews/{id}/appoint_chair", "chair appoint", "指定组长", false}, s.appointChair)
	read(s, row{"GET", "/api/sheets", "sheet list", "本人的评分表", false}, s.listSheets)
	write(s, row{"PATCH", "/api/sheets/{id}", "sheet save", "保存评分草稿", false}, s.saveSheet)
	write(s, row{"POST", "/api/sheets/{id}/submit", "sheet submit", "提交评分", false}, s.submitSheet)
	write(s, row{"POST", "/api/sheets/{id}/revise", "sheet revise", "讨论后修改评分", false}, s.reviseSheet)
	write(s, row{"POST", "/api/reviews/{id}/open", "review open", "开启评分（组长与监督都须确认）", true}, s.openMarks)
	write(s, row{"POST", "/api/reviews/{id}/opinion", "review opine", "组长意见", false}, s.writeOpinion)
	write(s, row{"POST", "/api/reviews/{id}/sign", "review sign", "专家签字", false}, s.signReview)
	write(s, row{"POST", "/api/reviews/{id}/order", "order create", "锁定并列项目抽签", false}, s.createOrder)
	write(s, row{"POST", "/api/reviews/{id}/close", "review close", "结束评审", false}, s.closeReview)
	write(s, row{"POST", "/api/reviews/{id}/void", "review void", "流会", false}, s.voidReview)
	discloseFile(s, row{"GET", "/api/reviews/{id}/marks", "mark export", "评分表导出", false}, s.exportMarks)
	readFile(s, row{"GET", "/api/reviews/{id}/ranking", "ranking export", "排名导出", false}, s.exportRanking)

	// award list
	read(s, row{"GET", "/api/lists", "list list", "拟立项清单列表", false}, s.listLists)
	read(s, row{"GET", "/api/lists/{id}", "list read", "拟立项清单及各方意见", false}, s.readList)
	write(s, row{"POST", "/api/lists", "list create", "生成拟立项清单", false}, s.createList)
	write(s, row{"POST", "/api/lists/{id}/adjust", "list adjust", "调整清单", false}, s.adjustList)
	write(s, row{"POST", "/api/lists/{id}/conclude", "conclusion create", "填写或补录意见", false}, s.recordConclusion)
	write(s, row{"POST", "/api/lists/{id}/deliberate", "list deliberate", "审议通过，锁定清单", false}, s.deliberateList)
	write(s, row{"POST", "/api/lists/{id}/publicise", "list publicise", "公示", false}, s.publiciseList)
	write(s, row{"POST", "/api/lists/{id}/confirm", "list confirm", "公示期满确认", false}, s.confirmList)
	readFile(s, row{"GET", "/api/lists/{id}/table", "list export", "清单导出", false}, s.exportList)
	read(s, row{"GET", "/api/publicities", "publicity read", "公示", false}, s.listPublicities)
	write(s, row{"POST", "/api/publicities/{id}/object", "objection lodge", "提出异议", true}, s.lodgeObjection)
	read(s, row{"GET", "/api/objections", "objection list", "异议列表", false}, s.listObjections)
	disclose(s, row{"GET", "/api/objections/{id}", "objection read", "异议内容（留痕）", false}, s.readObjection)
	write(s, row{"POST", "/api/objections/{id}/accept", "objection accept", "受理异议", false}, s.decideObjection("accepted"))
	write(s, row{"POST", "/api/objections/{id}/reject", "objection reject", "不受理异议", false}, s.decideObjection("rejected"))
	write(s, row{"POST", "/api/objections/{id}/uphold", "objection uphold", "异议成立", false}, s.decideObjection("upheld"))
	write(s, row{"POST", "/api/objections/{id}/dismiss", "objection dismiss", "异议不成立", false}, s.decideObjection("dismissed"))

	// evidence
	read(s, row{"GET", "/api/journal", "journal list", "日志", false}, s.listJournal)
	readFile(s, row{"GET", "/api/journal/export", "journal export", "日志导出", false}, s.exportJournal)
}
