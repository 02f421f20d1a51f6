//layers:package sched
//layers:want sched is pure and must not import fmt
//layers:want sched is pure and must not import math/rand/v2
//layers:want sched is pure and must not import time

package planted

import (
	"fmt"
	"math/rand/v2"
	"time"
)

func now() { fmt.Println(time.Now(), rand.Int()) }
