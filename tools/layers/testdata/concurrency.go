//layers:package engine/flow
//layers:want engine/flow is pure: no channel
//layers:want engine/flow is pure: no go statement
//layers:want engine/flow is pure: no select

package planted

func wait(done chan struct{}) {
	go wait(done)
	select {
	case <-done:
	}
}
