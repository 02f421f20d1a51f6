//layers:package engine/core
//layers:want engine/core must not import the third-party github.com/dgryski/go-farm
//layers:want engine/core must not import the third-party github.com/panjf2000/gnet/v2/pkg/buffer/ring

package planted

import (
	_ "github.com/dgryski/go-farm"
	_ "github.com/panjf2000/gnet/v2/pkg/buffer/ring"
)
