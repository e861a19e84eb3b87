import Foundation
import MeteoRA
import MeteoRASafetensors

// The page, from top to bottom:
//
//   head       style; adapters' rules
//   header     what ran, how to read it, the legend: all adapters with their tokens and shares
//   main       a section a sequence: prompt, answer, the adapters of each layer, the weights (text
//              that only the script reads)
//   aside      the weights of one token by layer and module, filled by the script
//
// It is HTML and well-formed XML at once, asks for no other file, and without the script lacks only
// the aside. The same report gives the same bytes.

extension RoutingReport {
  /// The page.
  ///
  /// - Throws: ``RoutingReportError`` if it would be too large.
  public func page() throws(RoutingReportError) -> String {
    try requireRoom()
    var page = ""
    RoutingPage(report: self).forEachPart { (part) throws(Never) in page += part }
    return page
  }

  /// Writes the page to a file, which appears when it is complete.
  ///
  /// - Throws: ``RoutingReportError``.
  public func writePage(to url: URL) throws(RoutingReportError) {
    try requireRoom()
    do throws(FileAccessError) {
      let file = try ReplacementFile(replacing: url)
      var offset = 0
      try RoutingPage(report: self).forEachPart { (part) throws(FileAccessError) in
        let bytes = Array(part.utf8)
        try bytes.withUnsafeBufferPointer { bytes throws(FileAccessError) in
          try file.write(UnsafeRawBufferPointer(bytes), at: offset)
        }
        offset += bytes.count
      }
      try file.commit()
    } catch {
      throw .file(error)
    }
  }
}

/// A report as parts of a page, none of them large.
struct RoutingPage {
  let report: RoutingReport

  func forEachPart<Failure>(_ take: (String) throws(Failure) -> Void) throws(Failure) {
    try take(head)
    try take(header)
    try take("<main>\n")
    for (number, sequence) in report.sequences.enumerated() {
      try RoutingSection(sequence: sequence, number: number, names: report.adapterNames)
        .forEachPart(take)
    }
    try take("</main>\n")
    try take(RoutingPageScript.detail)
    try take("</body>\n</html>\n")
  }

  private var head: String {
    let title = PageText.plain(report.model)
    let rules = report.adapterNames.indices.map { AdapterPalette.rules(adapter: $0) }.joined()
    return """
      <!DOCTYPE html>
      <html lang="en" xmlns="http://www.w3.org/1999/xhtml">
      <head>
      <meta charset="utf-8"/>
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
      style-src 'unsafe-inline'; script-src 'sha256-\(RoutingPageScript.digest)'"/>
      <meta name="viewport" content="width=device-width,initial-scale=1"/>
      <title>Routing of \(title)</title>
      <style>
      \(RoutingPageStyle.text)
      \(rules)</style>
      </head>
      <body>

      """
  }

  private var header: String {
    """
    <header>
    <h1>Routing of <bdi>\(PageText.plain(report.model))</bdi></h1>
    <dl class="facts">\(facts.map { "<div><dt>\($0)</dt><dd>\($1)</dd></div>" }.joined())</dl>
    <p>Each token has the colour of its dominant adapter: the one with the largest sum of weights over \
    all routed modules. The number before a run of tokens and the line below them say which; the \
    deeper the colour, the larger its share of the weights\(scale).</p>
    \(legend)<p class="soft">Marks: <span class="m">↵</span> line break, <span class="m">→</span> tab, \
    <span class="m">·</span> space, <span class="m">⍽</span> another kind of space, \
    <span class="m">U+200B</span> a character without a shape, <span class="m">⋯</span> a token without \
    text of its own, such as the first bytes of the character that follows.</p>
    </header>

    """
  }

  private var facts: [(String, String)] {
    let sequences = report.sequences
    let prompt = sequences.reduce(0) { $0 + min($1.promptCount, $1.tokens.count) }
    let all = sequences.reduce(0) { $0 + $1.tokens.count }
    var facts = [("Adapters", "\(report.adapterNames.count)")]
    if let selection { facts.append(("Chosen among", selection)) }
    facts += [
      ("Router", "top \(report.router.topK), temperature \(report.router.temperature)"),
      ("Routed modules", "\(sequences.map(\.modules.count).max() ?? 0)"),
      ("Kernel", report.kernel.rawValue),
      ("Tokens", "\(prompt) of the prompt, \(all - prompt) new"),
    ]
    if sequences.count > 1 { facts.append(("Prompts", "\(sequences.count)")) }
    return facts
  }

  /// What the gates could choose among, as markup, the shorter way; `nil` for all.
  private var selection: String? {
    let indices = report.adapterNames.indices
    let leftOut = indices.filter { report.leftOut.contains($0) }
    let allowed = indices.filter { !report.leftOut.contains($0) }
    if leftOut.isEmpty { return nil }
    let isLong = allowed.count > leftOut.count
    let names = (isLong ? leftOut : allowed).map {
      "<bdi>\(PageText.plain(report.adapterNames[$0]))</bdi>"
    }
    let list = names.isEmpty ? "none" : names.joined(separator: ", ")
    return (isLong ? "all but " : "") + "\(list) (\(allowed.count) of \(indices.count))"
  }

  private var scale: String {
    guard !report.adapterNames.isEmpty else { return "" }
    let steps = [Float(0.25), 0.5, 0.75, 1].map { share in
      "<span class=\"k a0\" style=\"--d:\(AdapterPalette.depth(of: share))\">\(Int(share * 100)) "
        + "%</span>"
    }
    return " <span class=\"scale\">(\(steps.joined()))</span>"
  }

  private var legend: String {
    let names = report.adapterNames
    let shares = RoutingShares(report.sequences, adapterCount: names.count)
    let items = names.indices.map { adapter in
      let count = shares.dominated[adapter]
      let share = RoutingShares.percent(shares.shares[adapter])
      let note =
        count == 0 && report.leftOut.contains(adapter)
        ? "left out" : "\(count) token\(count == 1 ? "" : "s"), \(share)"
      return """
        <li class="a\(adapter)\(count == 0 ? " z" : "")"><span class="k">\(adapter)</span> \
        <bdi>\(PageText.plain(names[adapter]))</bdi> \
        <span class="soft">\(note)</span></li>

        """
    }
    return """
      <h2>Adapters <span class="soft">the tokens that each dominates, its share of all weights</span></h2>
      <ul class="legend">
      \(items.joined())</ul>

      """
  }
}
