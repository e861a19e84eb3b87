import Foundation
import Testing

@testable import MeteoRACommandLine

@Suite("meteora generate --show-routing")
struct ShowRoutingTests {
  private func run(
    _ options: [String] = [], isTerminal: Bool = false, environment: [String: String] = [:]
  ) throws -> ToolRun {
    let sink = MemorySink()
    sink.isTerminal = isTerminal
    return ToolRun(
      [
        "generate", "--model", try Fixture.demo(), "--prompt", "abc", "--max-new-tokens", "8",
        "--show-routing",
      ] + options, output: sink, environment: environment)
  }

  @Test("without colours it names the adapter wherever it changes, prompt first")
  func namesAdapters() throws {
    let run = try run()
    #expect(run.exitCode == 0)
    let names = ["arithmetic", "capitals", "reverse", "rhymes", "translate"]
    #expect(names.contains { run.output.hasPrefix("[\($0)]<|begin_of_text|>") })
    #expect(!run.output.utf8.contains(0x1B))
    // The text without its marks is prompt and answer.
    var bare = run.output
    for name in names { bare = bare.replacingOccurrences(of: "[\(name)]", with: "") }
    #expect(bare.hasPrefix("<|begin_of_text|>abc"))
    // BOS, three tokens or less of the prompt, and eight new ones.
    let legend = try #require(run.lines.last)
    let counts = legend.split(separator: " ").compactMap { Int($0) }
    #expect((10...12).contains(counts.reduce(0, +)))
  }

  @Test("colours are for terminals, unless somebody says otherwise")
  func colours() throws {
    func isColoured(_ run: ToolRun) -> Bool { run.output.utf8.contains(0x1B) }
    #expect(isColoured(try run(["--color", "always"])))
    #expect(isColoured(try run(["--color", "always"], environment: ["NO_COLOR": "1"])))
    #expect(isColoured(try run(isTerminal: true)))
    #expect(!isColoured(try run(isTerminal: true, environment: ["NO_COLOR": "1"])))
    #expect(isColoured(try run(isTerminal: true, environment: ["NO_COLOR": ""])))
    #expect(!isColoured(try run(["--color", "never"], isTerminal: true)))
    #expect(!isColoured(try run(isTerminal: true, environment: ["TERM": "dumb"])))
  }

  @Test("it shows ids for a model without a tokenizer")
  func showsIDs() throws {
    let run = ToolRun([
      "generate", "--model", try Fixture.model("mha-tied"), "--prompt-ids", "1,2",
      "--max-new-tokens", "2", "--show-routing", "--color=never",
    ])
    #expect(run.exitCode == 0)
    #expect(run.output.hasPrefix("["))
    #expect(run.output.contains("]1 "))
  }
}
