import MeteoRA

/// The part of a page that shows one sequence.
struct RoutingSection {
  let sequence: RoutingReport.Sequence
  /// From 0.
  let number: Int
  let names: [String]

  /// Tokens of a part.
  private static let stride = 256

  func forEachPart<Failure>(_ take: (String) throws(Failure) -> Void) throws(Failure) {
    try take("<section>\n")
    if let name = sequence.name { try take("<h2><bdi>\(PageText.plain(name))</bdi></h2>\n") }
    let count = sequence.tokens.count
    let promptCount = min(max(sequence.promptCount, 0), count)
    try block("Prompt", note: Self.counted(promptCount), tokens: 0..<promptCount, take)
    let ending = "\(Self.counted(count - promptCount)), \(ending)"
    try block("Answer", note: ending, tokens: promptCount..<count, take)
    try take(layers)
    try weights(take)
    try take("</section>\n")
  }

  private static func counted(_ tokens: Int) -> String {
    "\(tokens) token\(tokens == 1 ? "" : "s")"
  }

  private var ending: String {
    switch sequence.finishReason {
    case .endOfSequence: "ended by the model"
    case .stopString: "ended by a stop string"
    case .length: "ended by the limit of tokens"
    case .cancelled: "stopped before its end"
    }
  }

  private func block<Failure>(
    _ title: String, note: String, tokens: Range<Int>, _ take: (String) throws(Failure) -> Void
  ) throws(Failure) {
    let id = "\(title.lowercased())\(number)"
    let heading = sequence.name == nil ? "h2" : "h3"
    try take(
      "<\(heading) id=\"\(id)\">\(title) <span class=\"soft\">\(note)</span></\(heading)>\n"
        + "<p class=\"text\" lang=\"\" role=\"group\" aria-labelledby=\"\(id)\">")
    var previous: Int?
    for first in Swift.stride(from: tokens.lowerBound, to: tokens.upperBound, by: Self.stride) {
      var part = ""
      for token in first..<min(first + Self.stride, tokens.upperBound) {
        part += span(of: token, after: &previous)
      }
      try take(part)
    }
    try take("</p>\n")
  }

  /// - Parameter previous: The adapter of the token before, then of this one.
  private func span(of index: Int, after previous: inout Int?) -> String {
    let token = sequence.tokens[index]
    let routing = sequence.routing(of: index, adapterCount: names.count)
    let adapter = routing?.dominantAdapter
    let beginsRun = adapter != nil && adapter != previous
    previous = adapter
    var classes = ["t"]
    if let adapter { classes.append("a\(adapter)") }
    if token.isSpecial { classes.append("s") }
    if token.text?.isEmpty ?? false { classes.append("e") }
    var attributes = "class=\"\(classes.joined(separator: " "))\""
    // Its letters are no hint to the direction of the text.
    if token.isSpecial { attributes += " dir=\"ltr\"" }
    var label = ""
    if let adapter, let routing {
      attributes += " style=\"--d:\(AdapterPalette.depth(of: routing.intensity))\""
      if beginsRun {
        let name = PageText.plain(names[adapter])
        label = "<b class=\"\(isInsideNumber(index) ? "r j" : "r")\" title=\"\(name)\"></b>"
      }
    }
    let content = token.text.map { PageText.token($0, label: label) } ?? label + "\(token.id)"
    return "<span \(attributes)>\(content)</span>"
      // Ids would run together.
      + (token.text == nil ? " " : "")
  }

  /// Whether the token goes on with the digits of the one before: a mark between them that stands
  /// for itself would make two numbers of one, which a right-to-left line shows in the wrong order.
  private func isInsideNumber(_ index: Int) -> Bool {
    guard index > 0, let first = sequence.tokens[index].text?.unicodeScalars.first,
      let last = sequence.tokens[index - 1].text?.unicodeScalars.last
    else { return false }
    return ("0"..."9").contains(first) && ("0"..."9").contains(last)
  }

  /// A table with the adapters of each layer.
  private var layers: String {
    var rows = ""
    for layer in Set(sequence.modules.map(\.layer)).sorted() {
      let shares = RoutingShares(
        sequence.modules.lazy.filter { $0.layer == layer }, adapterCount: names.count)
      let items = shares.largest(5).map { adapter in
        "<span class=\"v a\(adapter)\" style=\"--d:"
          + AdapterPalette.depth(of: Float(shares.shares[adapter]))
          + "\"><b>\(adapter)</b> <bdi>\(PageText.plain(names[adapter]))</bdi> "
          + RoutingShares.percent(shares.shares[adapter]) + "</span>"
      }
      rows += "<tr><th scope=\"row\">\(layer)</th><td>\(items.joined(separator: " "))</td></tr>\n"
    }
    if rows.isEmpty { return "" }
    return """
      <details>
      <summary>Adapters by layer</summary>
      <table>
      <thead><tr><th scope="col">Layer</th><th scope="col">The five largest shares of the weights, all \
      tokens and modules</th></tr></thead>
      <tbody>
      \(rows)</tbody>
      </table>
      </details>

      """
  }

  /// The choices, see ``ChoiceCode``, with the modules as `layer.index`.
  private func weights<Failure>(
    _ take: (String) throws(Failure) -> Void
  ) throws(Failure) {
    let modules = sequence.modules
    let places = modules.map { module in
      "\(module.layer).\(LinearModule.allCases.firstIndex(of: module.module) ?? 0)"
    }
    try take(
      "<script type=\"text/plain\" data-k=\"\(modules.first?.topK ?? 0)\" data-modules=\""
        + "\(places.joined(separator: " "))\" data-ids=\""
        + "\(sequence.tokens.map { "\($0.id)" }.joined(separator: " "))\">")
    let count = sequence.runCount
    for start in Swift.stride(from: 0, to: count, by: Self.stride) {
      try take(ChoiceCode.text(of: start..<min(start + Self.stride, count), in: modules))
    }
    try take("</script>\n")
  }
}
