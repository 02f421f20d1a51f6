//layers:package engine/state
//layers:want engine/state must not import batch: imports go down only
//layers:want engine/state must not import engine/core: imports go down only
//layers:want engine/state must not import engine/reconcile: imports go down only

package planted

import (
	_ "github.com/quidnunc/quidnunc/batch"
	_ "github.com/quidnunc/quidnunc/engine/core"
	_ "github.com/quidnunc/quidnunc/engine/reconcile"
)
