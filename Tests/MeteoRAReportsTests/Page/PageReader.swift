import Foundation
import MeteoRA
import MeteoRAReports
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What a page holds, read by a parser that shares nothing with what wrote it.
final class PageReader: NSObject, XMLParserDelegate {
  struct Element {
    var name: String
    var attributes: [String: String]
    /// With that of the elements inside.
    var text = ""

    var classes: [String] { (attributes["class"] ?? "").split(separator: " ").map(String.init) }
  }

  /// All that were closed, in the order of their ends.
  private(set) var elements: [Element] = []
  private var open: [Element] = []

  init(_ page: String) throws {
    super.init()
    let parser = XMLParser(data: Data(page.utf8))
    parser.delegate = self
    let isWellFormed = parser.parse()
    try #require(isWellFormed, "\(String(describing: parser.parserError))")
  }

  /// The tokens, in order.
  var tokens: [Element] { elements.filter { $0.name == "span" && $0.classes.contains("t") } }

  func all(_ name: String, _ attribute: String? = nil) -> [Element] {
    elements.filter {
      $0.name == name && (attribute == nil || $0.attributes[attribute ?? ""] != nil)
    }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    open.append(Element(name: name, attributes: attributes))
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    for index in open.indices { open[index].text += text }
  }

  func parser(_ parser: XMLParser, foundCDATA block: Data) {
    for index in open.indices { open[index].text += String(decoding: block, as: UTF8.self) }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    if let element = open.popLast() { elements.append(element) }
  }
}

extension RoutingReport {
  /// A report of one module: every token has the adapters and weights given, largest
  /// first; one without has not been run, nor have those behind it.
  static func example(
    names: [String] = ["sql", "chat"],
    _ tokens: [(text: String?, choices: [(adapter: Int, weight: Float)])],
    promptCount: Int = 1, name: String? = nil
  ) -> RoutingReport {
    let topK = tokens.first?.choices.count ?? 1
    var module = ModuleRouting(layer: 3, module: .value, topK: topK)
    var shown: [Token] = []
    for (index, token) in tokens.enumerated() {
      if !token.choices.isEmpty { module.append(token.choices) }
      shown.append(Token(id: 100 + index, text: token.text))
    }
    return RoutingReport(
      model: "tiny", adapterNames: names, router: RouterConfiguration(topK: topK), kernel: .loop,
      sequences: [
        Sequence(
          name: name, tokens: shown, promptCount: promptCount, finishReason: .length,
          modules: [module])
      ])
  }
}
