import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora generate --routing-html")
struct RoutingHTMLTests {
  private static let prompt = "the capital of france is"

  private func arguments(_ options: [String] = []) throws -> [String] {
    ["generate", "--model", try Fixture.demo(), "--max-new-tokens", "8", "--ignore-eos"] + options
  }

  /// The text between two marks, at each place.
  private func parts(of page: String, from begin: String, to end: String) -> [String] {
    page.components(separatedBy: begin).dropFirst().compactMap {
      $0.components(separatedBy: end).first
    }
  }

  /// Runs the tool and returns what it printed and the page.
  private func page(
    _ options: [String], input: String = ""
  ) throws -> (run: ToolRun, page: String) {
    var result: (ToolRun, String)?
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("page.html")
      let run = ToolRun(
        try arguments(options + ["--routing-html", file.path]), input: Array(input.utf8))
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(try folder.contents() == ["page.html"])
      result = (run, try String(contentsOf: file, encoding: .utf8))
    }
    return try #require(result)
  }

  @Test("it prints what it prints without, and the same page for every way to print")
  func printsTheSame() throws {
    let ways = [[], ["--json"], ["--show-routing", "--color", "never"]]
    var pages: Set<String> = []
    for way in ways {
      let options = ["--prompt", Self.prompt] + way
      let (run, page) = try page(options)
      #expect(run.output == ToolRun(try arguments(options)).output)
      #expect(run.error.isEmpty)
      pages.insert(page)
    }
    #expect(pages.count == 1)
    let page = try #require(pages.first)
    #expect(page.contains("<h1>Routing of <bdi>demo</bdi></h1>"))
    #expect(page.contains("<dd>top 2, temperature 1.0</dd>"))
    #expect(page.contains("<dd>tiled</dd>"))
    #expect(page.contains("8 tokens, ended by the limit of tokens"))
  }

  @Test("its numbers are those of a trace of the same tokens")
  func equalsTrace() throws {
    let (run, page) = try page(["--prompt", Self.prompt, "--json"])
    let answer = try run.json()
    let ids = try #require(answer["prompt_ids"]?.integers) + (answer["new_ids"]?.integers ?? [])
    #expect(
      parts(of: page, from: "data-ids=\"", to: "\"") == [
        ids.map(String.init).joined(separator: " ")
      ])
    let modules = try #require(parts(of: page, from: "data-modules=\"", to: "\"").first)
    let code = try #require(parts(of: page, from: "data-ids=\"", to: "</script>").first)
    let text = try #require(code.components(separatedBy: "\">").last)
    let bytes = try #require(Data(base64Encoded: text))
    #expect(bytes.count == ids.count * 28 * 2 * 3)
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("t.safetensors")
      let trace = ToolRun([
        "trace", "--model", try Fixture.demo(), "--output", file.path, "--prompt-ids",
        ids.map(String.init).joined(separator: ","),
      ])
      #expect(trace.exitCode == 0)
      let tensors = try SafetensorsFile(contentsOf: file)
      let names = [
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
      ]
      for (place, module) in modules.split(separator: " ").enumerated() {
        let numbers = module.split(separator: ".").compactMap { Int($0) }
        let path = "layers.\(numbers[0]).\(names[numbers[1]])"
        let selected = try tensors.tensor(named: "\(path).selected").int64Values()
        let weights = try tensors.tensor(named: "\(path).weights").float32Values()
        for token in ids.indices {
          for rank in 0..<2 {
            let first = ((token * 28 + place) * 2 + rank) * 3
            let bits = bytes[first..<first + 3].reduce(0) { $0 << 8 | Int($1) }
            #expect(bits >> 14 == Int(selected[token * 2 + rank]))
            #expect(bits & 16_383 == Int((weights[token * 2 + rank] * 10_000).rounded()))
          }
        }
      }
    }
  }

  @Test("characters of several tokens stand whole with the last of them")
  func splitCharacters() throws {
    // The demo's vocabulary has bytes, and none of these letters.
    let (_, page) = try page(["--prompt", "שלום", "--no-special-tokens"])
    let prompt = try #require(
      parts(of: page, from: "aria-labelledby=\"prompt0\">", to: "</p>").first)
    let spans = parts(of: prompt, from: "<span ", to: "</span>")
    #expect(spans.count == 8)
    for (index, span) in spans.enumerated() {
      let isWhole = index % 2 == 1
      #expect(span.contains(" e\"") == !isWhole)
      let letter = ["ש", "ל", "ו", "ם"][index / 2]
      #expect(span.hasSuffix(letter) == isWhole)
    }
  }

  @Test("it says which adapters --only and --without left to choose")
  func selection() throws {
    let (_, only) = try page(["--prompt", Self.prompt, "--only", "rhymes,reverse"])
    let names = "<bdi>reverse</bdi>, <bdi>rhymes</bdi>"
    #expect(only.contains("<dt>Chosen among</dt><dd>\(names) (2 of 5)</dd>"))
    #expect(only.components(separatedBy: ">left out<").count == 4)
    let (_, without) = try page(["--prompt", Self.prompt, "--without", "rhymes"])
    #expect(
      without.contains("<dt>Chosen among</dt><dd>all but <bdi>rhymes</bdi> (4 of 5)</dd>"))
    #expect(without.components(separatedBy: ">left out<").count == 2)
    let (_, all) = try page(["--prompt", Self.prompt])
    #expect(!all.contains("Chosen among") && !all.contains("left out"))
  }

  @Test("several prompts are sections of one page")
  func severalPrompts() throws {
    let prompts = #"{"first <1>":[1,2,3],"second":[380,363]}"#
    let (run, page) = try page(["--prompt-ids-file", "-", "--json"], input: prompts)
    #expect(run.lines.count == 2)
    #expect(
      parts(of: page, from: "<h2><bdi>", to: "</bdi>") == ["first &lt;1&gt;", "second"])
    #expect(page.contains("<dd>5 of the prompt, 16 new</dd>"))
    let (_, shown) = try self.page(
      ["--prompt-ids-file", "-", "--show-routing"], input: prompts)
    #expect(shown == page)
  }

  @Test("a model without a tokenizer shows ids")
  func showsIDs() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("page.html")
      let run = ToolRun([
        "generate", "--model", try Fixture.model("tasks28"), "--prompt-ids", "1,2",
        "--max-new-tokens", "3", "--routing-html", file.path,
      ])
      #expect(run.exitCode == 0)
      let page = try String(contentsOf: file, encoding: .utf8)
      #expect(page.contains(">2</span> </p>"))
      #expect(parts(of: page, from: "<li class=", to: "</li>").count == 28)
    }
  }

  @Test("stopped by the user it shows what there is, the last token without routing")
  func interrupted() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("page.html")
      let sink = MemorySink()
      let interruption = Interruption()
      sink.onWrite = { if $0 == 2 { interruption.request() } }
      let run = ToolRun(
        try arguments(["--prompt-ids", "1,2,3", "--routing-html", file.path]), output: sink,
        interruption: interruption)
      #expect(run.exitCode == 130)
      let page = try String(contentsOf: file, encoding: .utf8)
      #expect(page.contains("stopped before its end"))
      #expect(parts(of: page, from: "<span class=\"t", to: "\"").filter { $0.isEmpty }.count == 1)
    }
  }

  @Test(
    "output that fails leaves a page of what there is",
    arguments: [[], ["--json"], ["--show-routing"]],
    [OutputFailure.brokenPipe, .system(stream: "standard output", reason: "no space")])
  func outputFails(way: [String], failure: OutputFailure) throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("page.html")
      let sink = MemorySink()
      sink.onWrite = { _ throws(OutputFailure) in throw failure }
      let run = ToolRun(
        try arguments(["--prompt", Self.prompt, "--routing-html", file.path] + way), output: sink)
      let isSilent = failure == .brokenPipe
      #expect(run.exitCode == (isSilent ? 141 : 1))
      #expect(run.error == (isSilent ? "" : "meteora: standard output: cannot write: no space\n"))
      let page = try String(contentsOf: file, encoding: .utf8)
      #expect(page.hasSuffix("</html>\n"))
      #expect(try folder.contents() == ["page.html"])
      // With --json nothing is written before all has ended.
      let isWhole = way == ["--json"]
      #expect(page.contains("stopped before its end") == !isWhole)
    }
  }

  @Test("a failure before anything ran leaves the old page")
  func failsBeforeRunning() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("page.html")
      try Data("old".utf8).write(to: file)
      let sink = MemorySink()
      sink.onWrite = { _ throws(OutputFailure) in throw .brokenPipe }
      let run = ToolRun(
        try arguments(
          ["--prompt-ids-file", "-", "--show-routing", "--routing-html", file.path]),
        input: Array(#"{"a":[1]}"#.utf8), output: sink)
      #expect(run.exitCode == 141)
      #expect(try String(contentsOf: file, encoding: .utf8) == "old")
    }
  }

  @Test("of an output and a page that fail both are told, the first decides")
  func bothFail() throws {
    let failures: [(OutputFailure, Int32, String)] = [
      (.brokenPipe, 141, ""),
      (
        .system(stream: "standard output", reason: "no space"), 1,
        "meteora: standard output: cannot write: no space\n"
      ),
    ]
    for (failure, code, sentence) in failures {
      try withTemporaryFolder { folder in
        let place = folder.appendingPathComponent("place", isDirectory: true)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let file = place.appendingPathComponent("page.html").path
        let sink = MemorySink()
        sink.onWrite = { _ throws(OutputFailure) in
          try? FileManager.default.removeItem(at: place)
          throw failure
        }
        let run = ToolRun(
          try arguments(["--prompt", Self.prompt, "--routing-html", file]), output: sink)
        #expect(run.exitCode == code)
        #expect(run.error.hasPrefix(sentence + "meteora: \(place.path)"), "\(run.error)")
        #expect(run.error.contains("no such file or folder"), "\(run.error)")
        #expect(try folder.contents().isEmpty)
      }
    }
  }

  @Test("a model that comes to NaN leaves a page, and its error comes before that of the output")
  func notANumber() throws {
    let source = URL(fileURLWithPath: try Fixture.model("tasks28"), isDirectory: true)
    let options = ["--prompt-ids", "1,2", "--max-new-tokens", "6"]
    let free = try ToolRun(["generate", "--model", source.path, "--json"] + options).json()
    let ids = try #require(free["new_ids"]?.integers)
    try #require(!ids[..<2].contains(ids[2]))
    try withTemporaryFolder { folder in
      let model = folder.appendingPathComponent("model", isDirectory: true)
      try FileManager.default.copyItem(at: source, to: model)
      let weights = model.appendingPathComponent("base/model.safetensors")
      let range = try SafetensorsFile(contentsOf: weights)
        .tensor(named: "model.embed_tokens.weight").byteRange
      var bytes = try Data(contentsOf: weights)
      // The first of 32 bfloat16.
      let element = range.lowerBound + ids[2] * 32 * 2
      bytes.replaceSubrange(element..<element + 2, with: [0xC0, 0x7F])
      try bytes.write(to: weights)
      let file = folder.appendingPathComponent("page.html")
      let arguments =
        ["generate", "--model", model.path, "--routing-html", file.path] + options
      let run = ToolRun(arguments)
      #expect(run.exitCode == 1)
      #expect(run.error.contains("hold NaN"), "\(run.error)")
      let page = try String(contentsOf: file, encoding: .utf8)
      #expect(page.contains("3 tokens, stopped before its end"))
      let sink = MemorySink()
      sink.onWrite = { number throws(OutputFailure) in
        // Three tokens, then the end of the line.
        if number == 4 { throw .system(stream: "standard output", reason: "no space") }
      }
      let both = ToolRun(arguments, output: sink)
      #expect(both.exitCode == 1)
      #expect(
        both.error == run.error + "meteora: standard output: cannot write: no space\n",
        "\(both.error)")
      #expect(try String(contentsOf: file, encoding: .utf8) == page)
    }
  }

  @Test("a place that cannot be written is refused before anything runs")
  func wrongPlaces() throws {
    try withTemporaryFolder { folder in
      let missing = folder.appendingPathComponent("none/page.html").path
      let places: [(String, String, Int32)] = [
        (folder.path, "is a folder, expected a file", 1), (missing, "no such file or folder", 1),
        ("/dev/null", "is a device, expected a file", 1),
        (try Fixture.demo("gates.safetensors"), "is read by this command", 1),
        ("", "option --routing-html is empty, expected a path", 64),
        ("-", "option --routing-html is '-'", 64),
      ]
      for (place, message, code) in places {
        let run = ToolRun(try arguments(["--prompt", "abc", "--routing-html", place]))
        #expect(run.exitCode == code)
        #expect(run.error.contains(message), "\(run.error)")
        #expect(run.output.isEmpty)
      }
      #expect(try folder.contents().isEmpty)
    }
  }

  @Test(
    "a model that does not route is refused, and leaves no file",
    arguments: [["--no-adapters"], ["--single-adapter", "reverse"]])
  func notRouted(mode: [String]) throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("page.html").path
      let run = ToolRun(try arguments(mode + ["--prompt", "abc", "--routing-html", file]))
      #expect(run.exitCode == 64)
      #expect(run.error.contains("option --routing-html needs a model that routes"))
      #expect(try folder.contents().isEmpty)
    }
  }

  @Test(
    "tokens of which no browser shows a page are refused before they run",
    arguments: [
      (200, "the page would show 409600 tokens, a page can show 262144; lower --max-new-tokens"),
      (100, "the page of 204800 tokens would take about 133"),
    ])
  func tooLarge(promptCount: Int, message: String) throws {
    let prompts = (0..<promptCount).map { "\"\($0)\":[1]" }.joined(separator: ",")
    try withTemporaryFolder { folder in
      let run = ToolRun(
        [
          "generate", "--model", try Fixture.demo(), "--max-new-tokens", "5000",
          "--router-top-k", "5", "--prompt-ids-file", "-", "--routing-html",
          folder.appendingPathComponent("page.html").path,
        ], input: Array("{\(prompts)}".utf8))
      #expect(run.exitCode == 1)
      #expect(run.error.contains("option --routing-html: " + message), "\(run.error)")
      #expect(run.output.isEmpty)
      #expect(try folder.contents().isEmpty)
    }
  }
}
