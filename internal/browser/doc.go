// Package browser looks at loadrig's pages in Chromium as a person does: live pages, reports and comparisons of real
// runs. What a page says has to be what the summary says, nothing may be fetched from elsewhere, and axe-core must find
// nothing that keeps anybody from using it.
//
// A test whose browser is not installed skips and says what to install; with CI=true in the environment it fails instead.
// go test ./internal/browser -pictures makes the pictures in docs/img anew, to be looked at.
//
// What may live here: such tests. What may not: anything that is linked into the binary.
package browser
