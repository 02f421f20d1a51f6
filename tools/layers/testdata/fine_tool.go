//layers:package tools/qn/internal/load

package planted

import (
	_ "net/http"

	_ "github.com/HdrHistogram/hdrhistogram-go"
	_ "github.com/quidnunc/quidnunc/batch/simnet"
	_ "github.com/quidnunc/quidnunc/engine"
	_ "github.com/quidnunc/quidnunc/fuzz/sim"
	_ "github.com/quidnunc/quidnunc/tools/qn/internal/term"
)
