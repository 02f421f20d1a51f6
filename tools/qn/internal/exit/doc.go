// Package exit has what a command may end with beside success: the codes, the errors that carry
// them, and the one line that says so. A script tells "you asked wrongly" from "it failed" from
// "the answer is no" from "nobody is there".
package exit
