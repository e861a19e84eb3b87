/// The style of a page.
enum RoutingPageStyle {
  /// Colours follow the reader's system; on paper they are the light ones, and printed. The
  /// classes: `t` a token, `a…` its adapter, `s` special, `e` without text; `r` the number at the
  /// begin of a run, `j` that inside a number; `n`, `h`, `w`, `b` marks of white space, `u` a code
  /// point; `k` the key of the legend, `v` a value, `z` an adapter that dominates no token.
  ///
  /// The direction of each line of text is its own by `unicode-bidi`: for `dir="auto"` Chromium
  /// looks at all of a paragraph again for each part that it reads of it, a minute for 100 000
  /// tokens.
  static let text = """
    :root{color-scheme:light dark;\(AdapterPalette.variables(isDark: false))}
    @media screen and (prefers-color-scheme:dark){:root{\(AdapterPalette.variables(isDark: true))}}
    *{box-sizing:border-box}
    body{margin:0 auto;padding:1rem 1.25rem 2rem;max-width:60rem;background:var(--page);\
    color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
    h1{font-size:1.4rem;line-height:1.25;margin:.25rem 0 .75rem}
    h2{font-size:1.1rem;margin:1.5rem 0 .4rem}
    h3{font-size:1rem;margin:1.25rem 0 .25rem}
    .soft,dt{color:var(--soft);font-weight:400;font-size:.875rem}
    .facts{display:flex;flex-wrap:wrap;gap:.25rem 1.75rem;margin:0}
    .facts dd{margin:0}
    .legend{list-style:none;margin:0;padding:0;display:grid;gap:.3rem 1.25rem;\
    grid-template-columns:repeat(auto-fill,minmax(min(20rem,100%),1fr))}
    .legend li{display:flex;gap:.4rem;align-items:baseline;break-inside:avoid}
    .legend bdi{flex:1}
    .legend .soft{white-space:nowrap}
    .z bdi{color:var(--soft)}
    .t,.k,.v{background:rgb(var(--c)/var(--d,1));border-bottom:3px var(--s) rgb(var(--l))}
    .k{display:inline-block;min-width:2.2em;padding:0 .3em;text-align:center;font-weight:700;\
    line-height:1.3}
    .scale,th:first-child{white-space:nowrap}
    .scale .k{font-weight:400;font-size:.875rem}
    .m{padding:0 .2em;border:1px solid var(--soft);border-radius:.2em}
    .text{margin:0;padding:.5rem .75rem;border-inline-start:3px solid var(--soft);\
    white-space:pre-wrap;unicode-bidi:plaintext;text-align:start;font-size:1.0625rem;line-height:2}
    [id^=answer]+.text{border-inline-start-color:var(--ink);border-inline-start-width:6px}
    .text:empty::before{content:"no tokens";color:var(--soft)}
    .t{border-radius:.15em .15em 0 0;box-shadow:inset 1px 0 var(--page);cursor:default;\
    -webkit-box-decoration-break:clone;box-decoration-break:clone}
    .r::before{unicode-bidi:isolate;font:700 .6875rem/1 ui-monospace,monospace;vertical-align:.55em;\
    padding:.1em .25em;margin-inline-end:.15em;background:rgb(var(--l));color:var(--page);\
    border-radius:0 0 .3em}
    .j::before{unicode-bidi:normal}
    .s{unicode-bidi:isolate;font-family:ui-monospace,monospace;font-size:.85em}
    .e::after{content:"⋯"}
    .n::before{content:"↵"}
    .u{font:.75rem/1 ui-monospace,monospace;border:1px solid;border-radius:.2em;padding:0 .15em;\
    unicode-bidi:isolate}
    .w,.h,.b{position:relative;font-style:normal}
    .w::before,.h::before,.b::before{position:absolute;inset-inline-start:0;content:"·"}
    .h::before{content:"→"}
    .b::before{content:"⍽"}
    .n{font-style:normal}
    table{border-collapse:collapse;font-size:.875rem}
    th{text-align:start;vertical-align:top;padding:.1rem .6rem .1rem 0;font-weight:600}
    td{vertical-align:top;padding:.1rem .3rem .1rem 0}
    summary{cursor:pointer;margin-top:.75rem}
    .v{display:inline-block;padding:0 .3em;line-height:1.35}
    aside{background:var(--page);border:solid var(--soft);border-width:1px 0 0;padding:.5rem .75rem;overflow:auto;\
    position:fixed;inset:auto 0 0 0;max-height:45vh}
    aside p{margin:.1rem 0}
    aside th{white-space:nowrap;padding-inline-end:.4rem}
    aside th[scope=row]{position:sticky;left:0;background:var(--page)}
    aside td{padding:.05rem .1rem;white-space:nowrap}
    aside p .v{font-size:.875rem}
    aside .soft{font-size:.75rem}
    aside td .v{display:block;font-size:.75rem;border-bottom-width:2px;line-height:1.2}
    .t:focus,.on{outline:2px solid var(--ink);outline-offset:-1px}
    .asks{scroll-padding-bottom:46vh}
    .asks body{padding-bottom:46vh}
    @media (min-width:80rem){
    .asks{scroll-padding-bottom:0}
    .asks body{max-width:none;margin:0;padding:1rem 36rem 2rem 2rem}
    aside{inset:0 0 0 auto;width:34rem;max-height:none;border-width:0 0 0 1px}
    }
    @media print{
    *{print-color-adjust:exact;-webkit-print-color-adjust:exact}
    body,.asks body{max-width:none;margin:0;padding:0}
    .r::before{background:var(--page);color:rgb(var(--l));border:1px solid}
    .t:focus,.on{outline:none}
    aside{display:none}
    h2,h3{break-after:avoid}
    }
    """
}
