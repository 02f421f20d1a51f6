//go:build !unix

package cli

import "github.com/quidnunc/quidnunc/tools/qn/internal/api"

func checkFiles() api.Check {
	return api.Check{Name: "files", Status: api.OK, Detail: "this system does not say its limit"}
}
