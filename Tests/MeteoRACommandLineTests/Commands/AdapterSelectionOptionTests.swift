import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("--only and --without")
struct AdapterSelectionOptionTests {
  private static let names = ["arithmetic", "capitals", "reverse", "rhymes", "translate"]

  private func trace(_ options: [String], in folder: URL) throws -> Data {
    let url = folder.appendingPathComponent("t.safetensors")
    let run = ToolRun(
      ["trace", "--model", try Fixture.demo(), "--prompt-ids", "5,6,7", "--output", url.path]
        + options)
    #expect(run.exitCode == 0, "\(run.error)")
    return try Data(contentsOf: url)
  }

  private func generate(_ options: [String]) throws -> ToolRun {
    ToolRun(
      ["generate", "--model", try Fixture.demo(), "--prompt-ids", "5,6,7", "--max-new-tokens", "9"]
        + options)
  }

  @Test("naming the allowed adapters is leaving out the others, in any order and any parts")
  func complements() throws {
    try withTemporaryFolder { folder in
      let only = try trace(["--only", "capitals,arithmetic,reverse"], in: folder)
      let spellings = [
        ["--without", "rhymes,translate"], ["--without", "rhymes", "--without=translate"],
        ["--only", "reverse", "--only", "arithmetic,capitals"],
        ["--only=reverse,reverse,capitals,arithmetic"],
      ]
      for options in spellings { #expect(try trace(options, in: folder) == only, "\(options)") }
      #expect(try trace([], in: folder) != only)
      let all = Self.names.joined(separator: ",")
      #expect(try trace(["--only", all], in: folder) == trace([], in: folder))
    }
  }

  @Test("a trace holds all gate logits, and chooses among the allowed adapters")
  func traces() throws {
    try withTemporaryFolder { folder in
      _ = try trace(["--without", "capitals,rhymes"], in: folder)
      let file = try SafetensorsFile(contentsOf: folder.appendingPathComponent("t.safetensors"))
      #expect(try file.tensor(named: "layers.0.q_proj.gate_logits").shape == [3, 5])
      let choices = file.tensors.filter { $0.name.hasSuffix(".selected") }
      #expect(!choices.isEmpty)
      for tensor in choices {
        #expect(try tensor.int64Values().allSatisfy { [0, 2, 4].contains($0) })
      }
    }
  }

  @Test("generation shows the routing of allowed adapters alone")
  func generates() throws {
    let run = try generate(["--only", "rhymes,reverse", "--show-routing", "--color", "never"])
    #expect(run.exitCode == 0, "\(run.error)")
    #expect(run.output.contains("[rhymes]") || run.output.contains("[reverse]"))
    for name in ["arithmetic", "capitals", "translate"] {
      #expect(!run.output.contains("[\(name)]"))
    }
    let one = try generate(["--only", "rhymes", "--router-top-k", "1", "--json"])
    #expect(one.exitCode == 0, "\(one.error)")
    // With one adapter to choose, every token takes it with weight 1.
    #expect(one.output == (try generate(["--single-adapter", "rhymes", "--json"]).output))
    let described = try generate(["--without", "rhymes,reverse", "--verbose"])
    #expect(described.error.contains("5 adapters without rhymes, reverse, router top-k 2"))
    let only = try generate(["--only", "rhymes,reverse", "--verbose"])
    #expect(only.error.contains("5 adapters, only rhymes, reverse, router top-k 2"))
  }

  @Test("a name that holds a comma can be given as it is")
  func comma() throws {
    let base = try Fixture.demo("base")
    let adapters = try Fixture.demo("adapters")
    var model = ["generate", "--model", base, "--gates", try Fixture.demo("gates.safetensors")]
    for (index, name) in Self.names.enumerated() {
      model += ["--adapter", "\(index == 3 ? "a,b" : name)=\(adapters)/\(name)"]
    }
    let options = ["--prompt-ids", "5,6,7", "--max-new-tokens", "3", "--json"]
    let run = ToolRun(model + options + ["--only", "a,b", "--only", "reverse,capitals"])
    #expect(run.exitCode == 0, "\(run.error)")
    let plain = try generate(["--only", "rhymes,reverse,capitals", "--json"])
    #expect(try run.json()["prompt_ids"]?.integers == plain.json()["prompt_ids"]?.integers)
    let long = try plain.json()["new_ids"]?.integers ?? []
    #expect(try run.json()["new_ids"]?.integers == Array(long.prefix(3)))
    let parts = ToolRun(model + options + ["--only", "a,b,reverse"])
    #expect(parts.exitCode == 1)
    #expect(parts.error.contains("no adapter is named 'a'"))
  }

  /// Options, and words of the refusal.
  static let failures: [([String], String)] = [
    (
      ["--only", "rhymes"],
      "router top-k is 2, but option --only leaves 1 adapter; give --router-top-k 1"
    ),
    (["--only", "rhymes,rhymes"], "option --only leaves 1 adapter;"),
    (
      ["--without", "rhymes", "--router-top-k", "5"],
      "router top-k is 5, but option --without leaves 4 adapters; give --router-top-k 1 to 4"
    ),
    (["--without", names.joined(separator: ",")], "option --without leaves no adapter to choose"),
    (["--only", "rhyme,reverse"], "no adapter is named 'rhyme'; did you mean 'rhymes'?"),
    (["--without", "Rhymes"], "no adapter is named 'Rhymes'; did you mean 'rhymes'?"),
    (["--without", "sql"], "no adapter is named 'sql'; the model has arithmetic, capitals,"),
    (["--only", "rhymes, reverse"], "no adapter is named ' reverse'; did you mean 'reverse'?"),
  ]

  @Test("names that are not there, and too few that are left, are refused", arguments: failures)
  func isRefused(options: [String], message: String) throws {
    let run = try generate(options)
    #expect(run.exitCode == 1)
    #expect(run.error.contains(message), "\(run.error)")
    #expect(run.output.isEmpty)
  }
}
