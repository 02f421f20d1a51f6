package agent

import (
	"slices"

	"github.com/quidnunc/quidnunc/engine"
)

// reload reads the settings again and takes what can change while the agent runs: tags, and keys
// that are new.
func (a *Agent) reload(read func() (Options, error)) {
	notify("RELOADING=1")
	defer notify("READY=1")
	o, err := read()
	if err != nil {
		a.log.Error("reload failed: the old settings stay", "cause", err.Error())
		return
	}
	if err := a.eng.SetTags(o.Tags); err != nil {
		a.log.Error("reload: tags", "cause", err.Error())
	}
	added := a.addKeys(o.KeyFiles)
	a.opt.Tags = o.Tags
	a.log.Info("reloaded", "tags", len(o.Tags), "new_keys", added)
}

// addKeys accepts the keys of files that are not held yet.
func (a *Agent) addKeys(files []string) (added int) {
	var held []uint8
	for _, k := range a.eng.Secrets() {
		held = append(held, k.ID)
	}
	for _, path := range files {
		keys, err := engine.ReadSecretFile(path)
		if err != nil {
			a.log.Error("reload: keys", "file", path, "cause", err.Error())
			continue
		}
		for _, k := range keys {
			if slices.Contains(held, k.ID) {
				continue
			}
			if err := a.eng.AddSecret(k); err != nil {
				a.log.Error("reload: keys", "file", path, "id", k.ID, "cause", err.Error())
				continue
			}
			added++
		}
	}
	return added
}
