//layers:package engine
//layers:want engine must not import batch/stream
//layers:want engine must not import fuzz/sim
//layers:want engine must not import unsafe

package planted

import (
	_ "github.com/quidnunc/quidnunc/batch/stream"
	_ "github.com/quidnunc/quidnunc/fuzz/sim"
	_ "time"
	_ "unsafe"
)
