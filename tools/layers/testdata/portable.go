//layers:package batch/portable
//layers:want batch/portable must not import engine/core
//layers:want batch/portable must not import the third-party golang.org/x/sys/unix

package planted

import (
	_ "github.com/quidnunc/quidnunc/batch"
	_ "github.com/quidnunc/quidnunc/engine/core"
	_ "golang.org/x/sys/unix"
	_ "net"
	_ "sync"
)
