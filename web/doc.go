// Package web is where people look at runs in a browser: one page, which shows a run while it happens, and which is
// written to a file with its data in it as a report of one run or a comparison of two.
//
// The page is made of the files in page: HTML, style sheets and plain ES modules, and uPlot as its authors ship it. No
// step builds anything; what is served is put together when the program first needs it, as one document, so that the
// live page and a report are the same to the byte, and a content security policy can name each script by its hash.
//
// What may live here: the page, and how it gets its data. What may not: what the figures are and how they are kept, which
// timeline has, and whether a run was good, which report says. Nothing is fetched from elsewhere, and what a server or a
// user said is never more than text.
package web
