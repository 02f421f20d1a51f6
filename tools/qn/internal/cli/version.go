package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	var output form.Form
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print what this binary was built from",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := buildVersion()
			return output.Print(cmd.OutOrStdout(), v, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "qn %s  revision %s  %s %s/%s\n", v.Version, v.Revision, v.Go, v.OS, v.Arch)
				return err
			})
		},
	}
	form.Add(cmd, &output)
	return cmd
}

type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func buildVersion() version {
	v := version{Version: "(devel)", Revision: "unknown", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v.Revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			v.Revision += "+changes"
		}
	}
	return v
}
