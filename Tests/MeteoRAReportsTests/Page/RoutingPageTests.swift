import Foundation
import MeteoRA
import Testing

@testable import MeteoRAReports

@Suite("The page of a generation's routing")
struct RoutingPageTests {
  private static let sql: [(adapter: Int, weight: Float)] = [(0, 0.75), (1, 0.25)]
  private static let chat: [(adapter: Int, weight: Float)] = [(1, 0.5), (0, 0.25)]

  @Test("tokens keep their text, colour, depth and order; a number begins each run")
  func tokens() throws {
    let report = RoutingReport.example(
      [("a", Self.sql), (" b", Self.sql), ("c", Self.chat), ("d", Self.chat), ("e", [])],
      promptCount: 3)
    let page = try PageReader(report.page())
    #expect(page.tokens.map(\.text) == ["a", " b", "c", "d", "e"])
    #expect(
      page.tokens.map(\.classes) == [["t", "a0"], ["t", "a0"], ["t", "a1"], ["t", "a1"], ["t"]])
    #expect(
      page.tokens.map { $0.attributes["style"] }
        == ["--d:.78", "--d:.78", "--d:.56", "--d:.56", nil])
    #expect(page.all("b", "title").map { $0.attributes["title"] } == ["sql", "chat", "chat"])
    let texts = page.all("p", "lang")
    #expect(texts.map(\.text) == ["a bc", "de"])
    // It may be of any language, and of any direction: see RoutingPageStyle.
    #expect(texts.allSatisfy { $0.attributes["lang"] == "" && $0.attributes["dir"] == nil })
    let ids = Set(page.elements.compactMap { $0.attributes["id"] })
    for text in texts { #expect(ids.contains(text.attributes["aria-labelledby"] ?? "")) }
  }

  @Test("the legend has every adapter with its tokens and its share of the weights")
  func legend() throws {
    let report = RoutingReport.example(
      names: ["sql", "chat", "idle"], [("a", Self.sql), ("b", Self.chat), ("c", Self.sql)])
    let items = try PageReader(report.page()).all("li")
    #expect(
      items.map { $0.text.trimmingCharacters(in: .whitespacesAndNewlines) } == [
        "0 sql 2 tokens, 58.3 %", "1 chat 1 token, 33.3 %", "2 idle 0 tokens, 0.0 %",
      ])
    #expect(items.map { $0.classes.contains("z") } == [false, false, true])
  }

  @Test("the header says what ran")
  func facts() throws {
    let report = RoutingReport.example([("a", Self.sql), ("b", Self.sql)])
    let page = try PageReader(report.page())
    #expect(
      page.all("dd").map(\.text) == [
        "2", "top 2, temperature 1.0", "1", "loop", "1 of the prompt, 1 new",
      ])
    #expect(page.all("title").map(\.text) == ["Routing of tiny"])
  }

  @Test(
    "it names the adapters that the gates could choose among, the shorter way",
    arguments: [
      ([], nil), ([2], "all but c<d (3 of 4)"), ([0, 3], "b, c<d (2 of 4)"),
      ([0, 2, 3], "b (1 of 4)"), ([0, 1, 2, 3], "none (0 of 4)"), ([9], nil),
    ] as [(Set<Int>, String?)])
  func selection(leftOut: Set<Int>, expected: String?) throws {
    var report = RoutingReport.example(names: ["a", "b", "c<d", "e"], [("x", [(1, 1)])])
    report.leftOut = leftOut
    let page = try PageReader(report.page())
    let terms = page.all("dt").map(\.text)
    #expect(terms.contains("Chosen among") == (expected != nil))
    if let expected, let place = terms.firstIndex(of: "Chosen among") {
      #expect(page.all("dd")[place].text == expected)
    }
    for (adapter, item) in page.all("li").enumerated() {
      // What dominates a token was not left out, whatever a report says.
      let isLeftOut = leftOut.contains(adapter) && adapter != 1
      #expect(item.text.contains("left out") == isLeftOut)
      #expect(item.text.contains("tokens,") == (!isLeftOut && adapter != 1))
    }
  }

  @Test("whatever text and names hold, the page is well-formed and the text is theirs")
  func hostile() throws {
    var all = String.UnicodeScalarView()
    for value in UInt32(0)...0x2FFF { if let scalar = Unicode.Scalar(value) { all.append(scalar) } }
    for value in UInt32(0xFFF0)...0xFFFF {
      if let scalar = Unicode.Scalar(value) { all.append(scalar) }
    }
    let evil = "</script><script>alert(1)</script>]]>\u{2028}\u{0}&amp;\"'<!--\u{202E}"
    let report = RoutingReport.example(
      names: [evil, "b"], [(evil, Self.sql), (String(all), Self.chat), ("\u{FFFF}", Self.sql)],
      name: evil)
    var hostile = report
    hostile.model = evil
    let text = try hostile.page()
    let page = try PageReader(text)
    #expect(page.tokens.count == 3)
    #expect(
      page.tokens[0].text
        == "</script><script>alert(1)</script>]]>U+2028\nU+0000&amp;\"'<!--U+202E")
    #expect(page.all("script").count == 2)
    #expect(text.components(separatedBy: "</script>").count == 3)
    let plain = "</script><script>alert(1)</script>]]>U+2028U+0000&amp;\"'<!--U+202E"
    #expect(page.all("title").first?.text == "Routing of \(plain)")
    #expect(page.all("b", "title").first?.attributes["title"] == plain)
    #expect(page.all("bdi").filter { $0.text == plain }.count >= 3)
  }

  @Test("it asks for no other file")
  func standsAlone() throws {
    let text = try RoutingReport.example([("a", Self.sql)]).page()
    let page = try PageReader(text)
    for attribute in ["src", "href", "srcset", "action", "data", "poster"] {
      #expect(page.elements.allSatisfy { $0.attributes[attribute] == nil })
    }
    for word in ["https:", "url(", "@import", "fetch(", "XMLHttpRequest", "import("] {
      #expect(!text.contains(word))
    }
    #expect(text.components(separatedBy: "http:").count == 2, "only the name space")
  }

  @Test("the weights of every token are there, as far as it was run")
  func weights() throws {
    let report = RoutingReport.example([("a", Self.sql), ("b", Self.chat), ("c", [])])
    let script = try #require(PageReader(report.page()).all("script", "data-modules").first)
    #expect(script.attributes["type"] == "text/plain")
    #expect(script.attributes["data-k"] == "2")
    #expect(script.attributes["data-modules"] == "3.2")
    #expect(script.attributes["data-ids"] == "100 101 102")
    var expected: [UInt8] = []
    for choice in Self.sql + Self.chat {
      ChoiceCode.append(adapter: choice.adapter, weight: choice.weight, to: &expected)
    }
    #expect(Array(script.text.utf8) == expected)
  }

  @Test("a token that a pass reached in some modules only was not run")
  func brokenOff() throws {
    var report = RoutingReport.example([("a", Self.sql), ("b", Self.chat)])
    var later = ModuleRouting(layer: 4, module: .query, topK: 2)
    later.append(Self.chat)
    report.sequences[0].modules.append(later)
    let page = try PageReader(report.page())
    // Of "a" the sums are 1 and 0.75, over two modules.
    #expect(page.tokens.map(\.classes) == [["t", "a0"], ["t"]])
    #expect(page.tokens[0].attributes["style"] == "--d:.56")
    let script = try #require(page.all("script", "data-modules").first)
    #expect(script.attributes["data-modules"] == "3.2 4.0")
    #expect(script.text.utf8.count == 1 * 2 * 2 * 4)
    #expect(page.all("li").map { $0.text.contains("1 token, 50.0 %") } == [true, false])
  }

  @Test("the adapters of a layer are there without the script, largest share first")
  func layers() throws {
    let report = RoutingReport.example([("a", Self.sql), ("b", Self.chat)])
    let cells = try PageReader(report.page()).all("td")
    #expect(cells.map(\.text) == ["0 sql 50.0 % 1 chat 37.5 %"])
  }

  @Test("ids stand apart, empty and special tokens and numbers cut in two are marked")
  func kinds() throws {
    var report = RoutingReport.example(
      [("", Self.sql), ("12", Self.sql), ("34", Self.chat), ("<s>", Self.chat), (nil, Self.chat)],
      promptCount: 0)
    report.sequences[0].tokens[3].isSpecial = true
    let text = try report.page()
    let page = try PageReader(text)
    #expect(page.tokens.map(\.text) == ["", "12", "34", "<s>", "104"])
    #expect(page.tokens[0].classes == ["t", "a0", "e"])
    #expect(page.tokens[3].classes == ["t", "a1", "s"])
    #expect(page.tokens[3].attributes["dir"] == "ltr")
    #expect(page.all("b", "title").map(\.classes) == [["r"], ["r", "j"]])
    #expect(text.contains(">104</span> </p>"))
  }

  @Test("nothing to show is a page, too")
  func empty() throws {
    let none = RoutingReport(
      model: "", adapterNames: [], router: RouterConfiguration(), kernel: .bmm)
    #expect(try PageReader(none.page()).tokens.isEmpty)
    // A sum that is no number, more of a prompt than tokens, an adapter without a name.
    let odd = RoutingReport.example(
      [("a", [(0, .nan), (1, .nan)]), ("b", [(7, 1), (9, 0)])], promptCount: 9)
    let page = try PageReader(odd.page())
    #expect(page.tokens.map(\.classes) == [["t", "a0"], ["t"]])
    #expect(page.all("p", "lang").map(\.text) == ["ab", ""])
  }

  @Test("the same report is the same page, whole or in a file that replaces another")
  func file() throws {
    let tokens = (0..<1000).map { (text: "t\($0) ", choices: $0 % 7 < 3 ? Self.sql : Self.chat) }
    let report = RoutingReport.example(tokens.map { ($0.text, $0.choices) }, promptCount: 300)
    let page = try report.page()
    #expect(try report.page() == page)
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("meteora-\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("page.html")
    try Data("old".utf8).write(to: file)
    try report.writePage(to: file)
    #expect(try Data(contentsOf: file) == Data(page.utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["page.html"])
    #expect(throws: RoutingReportError.file(.isFolder(path: folder.path))) {
      try report.writePage(to: folder)
    }
  }
}
