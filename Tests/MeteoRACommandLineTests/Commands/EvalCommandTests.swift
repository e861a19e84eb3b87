import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("eval")
struct EvalCommandTests {
  private func inFolder(_ body: (EvaluationFolder) throws -> Void) throws {
    try withTemporaryFolder { try body(EvaluationFolder($0)) }
  }

  /// What 'meteora generate' answers.
  private func answer(to prompt: String, _ options: [String]) throws -> String {
    let run = ToolRun(
      [
        "generate", "--model", try Fixture.demo(), "--prompt", prompt, "--no-special-tokens",
        "--max-new-tokens", "6", "--json",
      ] + options)
    return try #require(try run.json()["text"]?.string)
  }

  static let modes: [[String]] = [
    [], ["--no-adapters"], ["--single-adapter", "rhymes"],
    ["--router-top-k", "1", "--without", "rhymes"], ["--router-temperature", "15"],
  ]

  @Test("it compares what 'generate' writes, and saves every answer", arguments: modes)
  func answers(options: [String]) throws {
    try inFolder { folder in
      let expected = try EvaluationFolder.prompts.map { try answer(to: $0, options) }
      try folder.add(
        "reverse",
        zip(EvaluationFolder.prompts, expected).enumerated().map { index, sample in
          (sample.0, index < 2 ? "\(sample.1)\n" : "other")
        })
      let save = folder.url.appendingPathComponent("saved.jsonl")
      let run = try folder.run(["--task", "reverse", "--save", save.path] + options)
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(
        run.output == """
          task     answers  right     %  95 % interval
          reverse        5      2  40.0      11.8–76.9

          """)
      let lines = try folder.lines("saved.jsonl")
      #expect(lines.map { $0["prompt"]?.string } == EvaluationFolder.prompts)
      #expect(lines.map { $0["response"]?.string } == expected)
      #expect(lines.map { $0["score"]?.double } == [1, 1, 0, 0, 0])
      #expect(lines.allSatisfy { $0["task"]?.string == "reverse" && $0["items"] == nil })
      #expect(lines[2]["reference"]?.string == "other")
    }
  }

  @Test("several tasks have a row each and an average; of composites the items are counted")
  func table() throws {
    try inFolder { folder in
      try folder.addComposite()
      try folder.add("rhymes", [("the", try answer(to: "the", []))])
      let run = try folder.run(["--task", "rhymes", "--task", "mixed", "--task", "reverse"])
      #expect(
        run.output == """
          task     answers  right      %  95 % interval
          rhymes         1      1  100.0     20.7–100.0
          mixed          1      0    0.0       0.0–79.3
            items        2      0    0.0       0.0–65.8
          reverse        5      0    0.0       0.0–43.4

          average of 2 tasks: 50.0 %

          """)
      let limited = try folder.run(["--task", "reverse", "--limit", "2"])
      #expect(limited.lines.last?.contains(" 2      0 ") == true)
    }
  }

  @Test(
    "its JSON and what it saves are the same bytes, whatever batches, threads and kernels",
    arguments: [[], ["--route-by-label"], ["--each-adapter"]])
  func invariance(options: [String]) throws {
    try inFolder { folder in
      try folder.addComposite()
      let tasks = ["--task", "reverse", "--task", "mixed", "--json"]
      func outputs(_ speed: [String]) throws -> [String] {
        let save = folder.url.appendingPathComponent("saved.jsonl")
        let run = try folder.run(tasks + options + speed + ["--save", save.path])
        #expect(run.exitCode == 0, "\(run.error)")
        return [run.output, try String(contentsOf: save, encoding: .utf8)]
      }
      let expected = try outputs(["--batch-size", "1", "--threads", "1"])
      for speed in [
        ["--batch-size", "2", "--threads", "3"], ["--threads", "2"], ["--kernel", "loop"], [],
      ] {
        #expect(try outputs(speed) == expected, "\(speed)")
      }
    }
  }

  @Test("its JSON tells settings, the digests of all files, counts, rates and intervals")
  func json() throws {
    try inFolder { folder in
      try folder.addComposite()
      let options = ["--router-temperature", "15", "--only", "reverse,rhymes", "--limit", "3"]
      let run = try folder.run(["--task", "reverse", "--task", "mixed", "--json"] + options)
      let report = try run.json()
      #expect(report["version"]?.string == MeteoraTool.version)
      #expect(report["model"]?.string == (try Fixture.demo()))
      #expect(report["datasets"]?.string == folder.url.path)
      #expect(report["limit"]?.integer == 3)
      let files = try #require(report["files"]?.elements)
      #expect(Set(files.compactMap { $0["path"]?.string }).count == files.count)
      let gates = try #require(files.first { $0["path"]?.string == "gates.safetensors" })
      #expect(
        gates["sha256"]?.string
          == (try SHA256.hexDigest(
            ofFile: URL(fileURLWithPath: Fixture.demo("gates.safetensors")))))
      let tasks = Array(try #require(report["tasks"]?.elements))
      #expect(tasks.map { $0["task"]?.string } == ["reverse", "mixed"])
      #expect(tasks.map { $0["samples"]?.integer } == [3, 1])
      #expect(tasks.map { $0["metric"]?.string } == ["exact_case", "exact_case"])
      #expect(tasks[0]["max_new_tokens"]?.integer == 6)
      #expect(
        tasks[1]["files"]?.elements?.map { $0["path"]?.string } == [
          "mixed/task.json", "mixed/test.jsonl",
        ])
      let runs = Array(try #require(report["runs"]?.elements))
      #expect(runs.count == 1)
      let mode = try #require(runs[0]["mode"])
      #expect(mode["kind"]?.string == "routed" && mode["top_k"]?.integer == 2)
      #expect(mode["temperature"]?.double == 15)
      #expect(mode["only"]?.elements?.map(\.string) == ["reverse", "rhymes"])
      let results = Array(try #require(runs[0]["results"]?.elements))
      #expect(results[0]["answers"]?["count"]?.integer == 3)
      #expect(results[0]["items"]?.isNull == true)
      #expect(results[1]["items"]?["count"]?.integer == 2)
      #expect(results[1]["items"]?["interval"]?.elements?.count == 2)
      #expect(runs[0]["average"]?.double == 0)
    }
  }

  @Test("--each-adapter is a table of every adapter alone and the base, by task")
  func eachAdapter() throws {
    try inFolder { folder in
      try folder.addComposite()
      let known = try answer(to: "the", ["--single-adapter", "reverse"])
      try folder.add("reverse", [("the", known), ("a", "b")])
      let run = try folder.run(["--task", "reverse", "--task", "mixed", "--each-adapter"])
      #expect(run.exitCode == 0, "\(run.error)")
      let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(
        lines.prefix(4) == [
          "task 1  reverse", "task 2  mixed", "",
          "% right, of an adapter's own task in brackets; of composites the share of items",
        ])
      #expect(lines.contains("reverse     [50.0]  0.0 "))
      #expect(lines.contains("rhymes        0.0   0.0 "))
      #expect(lines.contains("base          0.0   0.0 "))
      #expect(lines.contains("lowest on its own task    50.0 % (9.5–90.5)  reverse"))
      #expect(lines.contains { $0.hasPrefix("highest on another task   0.0 %") })
      #expect(lines.contains("highest of the base       0.0 % (0.0–65.8)  on reverse"))

      let json = try folder.run(["--tasks-of-bundle", "--each-adapter", "--json"])
      #expect(json.error.contains("holds no task 'arithmetic'"))
      let report = try folder.run(["--task", "reverse", "--each-adapter", "--json"]).json()
      let modes = try #require(report["runs"]?.elements).map { $0["mode"] }
      #expect(
        modes.map { $0?["adapter"]?.string } == [
          "arithmetic", "capitals", "reverse", "rhymes", "translate", nil,
        ])
      #expect(modes.last??["kind"]?.string == "base")
    }
  }

  @Test("--route-by-label needs no gates, and is the task's adapter where nothing else is said")
  func labels() throws {
    try inFolder { folder in
      try folder.addComposite()
      func saved(_ arguments: [String]) throws -> [String?] {
        let run = ToolRun(
          arguments + ["--save", folder.url.appendingPathComponent("saved.jsonl").path])
        #expect(run.exitCode == 0, "\(run.error)")
        return try folder.lines("saved.jsonl").map { $0["response"]?.string }
      }
      let options = ["--task", "rhymes", "--task", "mixed", "--route-by-label"]
      let bundle = try saved(folder.arguments(options))
      let parts = try saved(
        [
          "eval", "--model", Fixture.demo("base"), "--adapters", Fixture.demo("adapters"),
          "--datasets", folder.url.path,
        ] + options)
      #expect(bundle == parts)
      let alone = try saved(
        folder.arguments(["--task", "rhymes", "--single-adapter", "rhymes"]))
      #expect(Array(bundle.prefix(5)) == alone)
      let verbose = try folder.run(options + ["--verbose"])
      #expect(verbose.error.contains("; 5 adapters, chosen by labels; kernel"))
    }
  }

  @Test("--tasks-of-bundle takes the adapters' tasks in their order, also where one runs alone")
  func tasksOfBundle() throws {
    try inFolder { folder in
      for name in ["translate", "capitals", "arithmetic"] { try folder.add(name, [("a", "b")]) }
      let order = ["arithmetic", "capitals", "reverse", "rhymes", "translate"]
      for options in [[], ["--single-adapter", "rhymes"], ["--no-adapters"]] {
        let run = try folder.run(["--tasks-of-bundle"] + options)
        #expect(run.exitCode == 0, "\(run.error)")
        #expect(run.lines[1...5].map { $0.split(separator: " ")[0] } == order.map { $0[...] })
      }
      let parts = ToolRun([
        "eval", "--model", try Fixture.demo("base"), "--adapters", try Fixture.demo("adapters"),
        "--datasets", folder.url.path, "--tasks-of-bundle", "--single-adapter", "rhymes",
      ])
      #expect(parts.lines.count == 7, "\(parts.error)")
    }
  }

  @Test("on a terminal it tells how far it is")
  func progress() throws {
    try inFolder { folder in
      let terminal = MemorySink()
      terminal.isTerminal = true
      let run = ToolRun(
        try folder.arguments(["--task", "reverse", "--task", "rhymes", "--batch-size", "4"]),
        error: terminal)
      #expect(run.error.contains("routed, reverse (1 of 2): 4 of 5 samples, 0.0 %"))
      #expect(run.error.contains("routed, rhymes (2 of 2): 5 of 5 samples, 0.0 %"))
      #expect(try folder.run(["--task", "reverse"]).error.isEmpty)
    }
  }

  @Test("interrupted, it prints nothing and leaves no file")
  func interrupted() throws {
    try inFolder { folder in
      let interruption = Interruption()
      interruption.request()
      let save = folder.url.appendingPathComponent("saved.jsonl")
      let run = try folder.run(
        ["--task", "reverse", "--save", save.path], interruption: interruption)
      #expect(run.exitCode == 130)
      #expect(run.output.isEmpty)
      #expect(try folder.url.contents() == ["reverse", "rhymes"])
    }
  }

  /// Options, the exit code, and words of the refusal.
  static let failures: [(options: [String], code: Int32, message: String)] = [
    ([], 64, "no task given: --task T or --tasks-of-bundle is needed"),
    (["--task", "reverse", "--tasks-of-bundle"], 64, "name the tasks one way"),
    (
      ["--task", "reverse", "--route-by-label", "--each-adapter"], 64,
      "options --route-by-label and --each-adapter exclude each other"
    ),
    (
      ["--task", "reverse", "--each-adapter", "--no-adapters"], 64,
      "option --no-adapters has no effect with --each-adapter"
    ),
    (
      ["--task", "reverse", "--route-by-label", "--router-top-k", "1"], 64,
      "option --router-top-k has no effect with --route-by-label"
    ),
    (
      ["--task", "reverse", "--limit", "0"], 64, "option --limit is '0', expected an integer from 1"
    ),
    (["--task", "reverse", "--batch-size", "70000"], 64, "expected an integer from 1 to 65536"),
    (["--task", "revers"], 1, "holds no task 'revers'; the nearest is 'reverse'"),
    (["--task", "reverse", "--task", "reverse"], 1, "the task 'reverse' is named twice"),
    (
      ["--task", "mixed", "--route-by-label"], 1, "mixed/test.jsonl:1: the sample has no spans, and"
    ),
    (["--task", "broken"], 1, "broken/task.json:1:11 (byte 10): field 'metric' is the string"),
    (["--task", "reverse", "--save", "-"], 64, "option --save is '-', but this is not written to"),
    (["--task", "reverse", "--single-adapter", "rhyme"], 1, "did you mean 'rhymes'?"),
  ]

  @Test("it refuses what does not fit", arguments: failures)
  func refusals(options: [String], code: Int32, message: String) throws {
    try inFolder { folder in
      try folder.add("mixed", [("a", "b")])
      try folder.add("broken", [("a", "b")], description: #"{"metric":"bleu"}"#)
      let run = try folder.run(options)
      #expect(run.exitCode == code)
      #expect(run.error.contains(message), "\(run.error)")
      #expect(run.output.isEmpty)
    }
  }

  @Test("it replaces none of the files that it reads")
  func protectsInputs() throws {
    try inFolder { folder in
      let test = folder.url.appendingPathComponent("reverse/test.jsonl").path
      let run = try folder.run(["--task", "reverse", "--save", test])
      #expect(run.exitCode == 1)
      #expect(run.error.contains("is read by this command"))
    }
  }

  @Test("adapters are needed where they are to run, and a tokenizer always")
  func needs() throws {
    try inFolder { folder in
      let base = ["eval", "--model", try Fixture.demo("base"), "--datasets", folder.url.path]
      for option in ["--route-by-label", "--each-adapter", "--tasks-of-bundle"] {
        let task = option == "--tasks-of-bundle" ? [] : ["--task", "reverse"]
        let run = ToolRun(base + task + [option])
        #expect(run.exitCode == 1)
        #expect(run.error.contains("option \(option) needs a model with adapters"), "\(run.error)")
      }
      let several = ToolRun(
        base + ["--adapters", try Fixture.demo("adapters"), "--task", "reverse"])
      #expect(several.exitCode == 64)
      let silent = ToolRun([
        "eval", "--model", try Fixture.model("gqa-sharded"), "--datasets", folder.url.path,
        "--task", "reverse",
      ])
      #expect(silent.exitCode == 1)
      #expect(silent.error.contains("tokenizer"))
    }
  }
}
