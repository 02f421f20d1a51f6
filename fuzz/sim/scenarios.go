package sim

import "embed"

//go:embed scenarios/*.txt
var scenarios embed.FS
