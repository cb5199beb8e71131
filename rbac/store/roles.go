package store

import (
	"gorm.io/gorm"

	"keping/rbac"
)

// Roles are those granted to a user and not ended, oldest grant first.
func Roles(db *gorm.DB, user string) ([]rbac.Role, error) {
	var roles []rbac.Role
	err := db.Model(&rbac.Grant{}).Where("user_id = ? AND ended_at IS NULL", user).Order("granted_at, id").Pluck("role", &roles).Error
	return roles, err
}
