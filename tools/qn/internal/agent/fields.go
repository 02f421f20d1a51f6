package agent

import (
	"errors"
	"fmt"
	"strings"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
)

// flagOf is the flag that sets a field of engine.Config.
var flagOf = map[string]string{
	"Name": "--name", "Cluster": "--cluster", "Bind": "--bind", "Advertise": "--advertise", "Zone": "--zone", "Tags": "--tag",
	"Seeds": "--join", "SecretFiles": "--key-file", "Signing.KeyFile": "--signing-key-file", "Insecure": "--insecure", "LeaveTimeout": "--leave-timeout",
	"Disk.Path": "--data", "Disk.Sync": "--sync", "Disk.KeepSecrets": "--data-keys", "Limits.Keys": "--limit-keys", "Limits.ValueBytes": "--limit-bytes",
}

// inFlags puts what the engine says of itself into words of the command line.
var inFlags = strings.NewReplacer(
	"Secrets or SecretFiles", "--key-file", "SecretFiles", "--key-file", "Insecure: true", "--insecure", "Config.", "", "engine: ", "", "batch: ", "",
)

// badFlag is what is wrong with the configuration, as an error of the flags.
func badFlag(err error) error {
	list := badFields(err)
	if len(list) == 0 {
		list = append(list, inFlags.Replace(err.Error()))
	}
	return exit.Usagef("%s", strings.Join(list, "; and "))
}

// badFields are the errors of single fields in a tree of errors.
func badFields(err error) (list []string) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			list = append(list, badFields(e)...)
		}
		return list
	}
	var bad *engine.ConfigError
	if !errors.As(err, &bad) {
		return nil
	}
	field, index := bad.Field, ""
	if i := strings.IndexByte(field, '['); i >= 0 {
		field, index = field[:i], field[i:]
	}
	name, known := flagOf[field]
	if !known {
		name = field
	}
	return []string{fmt.Sprintf("%s%s %s: %s; fix: %s", name, index, bad.Value, inFlags.Replace(bad.Problem), inFlags.Replace(bad.Fix))}
}
