// Package e2e looks at qn as its users do: the page of the demo in a headless Chromium, the agent's
// front with a client library of Redis, agents as processes that are killed. It is a module of its
// own, so that browsers' and clients' packages stay out of the project's build. Its tests build qn
// themselves; they are skipped, with a message, where there is no Chromium.
package e2e
