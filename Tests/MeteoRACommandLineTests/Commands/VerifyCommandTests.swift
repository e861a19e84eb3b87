import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora verify")
struct VerifyCommandTests {
  private static let ids = ["kernels/softmax-exact-n2", "kernels/softmax-exact-n8"]

  /// Calls `body` with a pack of cases of the golden one, two unless other ones are asked for.
  private func withSmallPack(
    of ids: [String] = Self.ids, folders: [String] = ["kernels"], _ body: (URL) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      let manifest = try String(contentsOfFile: Fixture.golden("manifest.json"), encoding: .utf8)
      let lines = manifest.split(separator: "\n")
      let head = lines.prefix { !$0.hasPrefix(#"{"id""#) }
      let cases = lines.filter { line in
        ids.contains { line.hasPrefix(#"{"id":"\#($0)","#) }
      }
      try #require(cases.count == ids.count)
      let listed = cases.map { $0.hasSuffix(",") ? String($0.dropLast()) : String($0) }
      let text = head.joined(separator: "\n") + "\n" + listed.joined(separator: ",\n") + "\n]}\n"
      try text.write(
        to: folder.appendingPathComponent("manifest.json"), atomically: true, encoding: .utf8)
      for name in folders {
        try FileManager.default.createSymbolicLink(
          atPath: folder.appendingPathComponent(name).path,
          withDestinationPath: Fixture.golden(name))
      }
      try body(folder)
    }
  }

  /// Writes results for the two cases.
  ///
  /// - Parameter change: Given the case's id and the right results; `nil` for none.
  private func writeResults(
    to url: URL, _ change: (String, [Float]) -> [Float]?
  ) throws {
    let source = try SafetensorsFile(
      contentsOf: URL(fileURLWithPath: Fixture.golden("kernels/layers.safetensors")))
    var results: [(name: String, shape: [Int], values: [Float])] = []
    for id in Self.ids {
      let tensor = try source.tensor(named: "\(id.dropFirst("kernels/".count))/y")
      if let values = change(id, try tensor.float32Values()) {
        results.append(("\(id)/y", tensor.shape, values))
      }
    }
    let writer = try SafetensorsWriter(
      to: url, tensors: results.map { .init($0.name, .f32, $0.shape) })
    for result in results { try writer.append(result.values, to: result.name) }
    try writer.finish()
  }

  @Test("it prints each case with its tier, and counts them")
  func printsCases() throws {
    try withSmallPack { pack in
      let run = ToolRun(["verify", "--pack", pack.path])
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(run.lines.contains("ok       kernels/softmax-exact-n2 [exact]"))
      #expect(run.lines.last == "2 passed, 0 failed, of 2 cases")
      let json = ToolRun(["verify", "--pack", pack.path, "--json"])
      #expect(json.exitCode == 0)
      let rows = try json.lines.map { try JSONDocument(bytes: Array($0.utf8), source: "row").root }
      #expect(rows.map { $0["id"]?.string } == Self.ids + [nil])
      #expect(rows.first?["verdict"]?.string == "passed")
      #expect(rows.first?["tier"]?.string == "exact")
      #expect(rows.last?["passed"]?.integer == 2)
      #expect(rows.last?["truth"]?.elements?.count == 0)
    }
  }

  @Test("it prints the distance to the truth of every model")
  func printsTruth() throws {
    let ids = ["truth/tasks28/generate-routed", "truth/tasks28/routed-close"]
    try withSmallPack(of: ids, folders: ["models", "truth"]) { pack in
      let run = ToolRun(["verify", "--pack", pack.path])
      #expect(run.exitCode == 0, "\(run.error)")
      let starts = ["Logits against binary64. ", "models/ ", "tasks28 ", "all "]
      #expect(starts.allSatisfy { start in run.lines.contains { $0.hasPrefix(start) } })
      let json = ToolRun(["verify", "--pack", pack.path, "--json"])
      let last = try JSONDocument(bytes: Array(try #require(json.lines.last).utf8), source: "row")
      let models = try #require(last.root["truth"]?.elements).map { $0 }
      #expect(models.map { $0["model"]?.string } == ["models/tasks28"])
      #expect(models[0]["prompts"]?.integer == 1)
      #expect(try #require(models[0]["rms_ratio"]).doubleValue() < 1.5)
      #expect(try #require(models[0]["adapter_choices"]?["close"]?.integer) > 0)
      #expect(models[0]["token_choices"]?["total"]?.integer == 24)
    }
  }

  @Test("it judges results: right, one ulp off, and missing")
  func judgesResults() throws {
    try withSmallPack { pack in
      let url = pack.appendingPathComponent("mine.safetensors")
      let arguments = ["verify", "--pack", pack.path, "--against", url.path]
      try writeResults(to: url) { $1 }
      let right = ToolRun(arguments)
      #expect(right.exitCode == 0, "\(right.output)")

      try writeResults(to: url) { id, values in
        id.hasSuffix("n2") ? [values[0].nextUp] + values.dropFirst() : values
      }
      let off = ToolRun(arguments)
      #expect(off.exitCode == 1)
      #expect(off.output.contains("FAILED   kernels/softmax-exact-n2 [exact]"))
      #expect(off.output.contains("y: element [0, 0]"))
      #expect(off.output.contains("1 ulp"))
      #expect(off.lines.last == "1 passed, 1 failed, of 2 cases")
      let json = ToolRun(arguments + ["--json"])
      #expect(json.exitCode == 1)
      let row = try JSONDocument(bytes: Array(json.lines[0].utf8), source: "row").root
      #expect(row["verdict"]?.string == "failed")
      #expect(row["findings"]?.elements?.count == 1)

      try writeResults(to: url) { id, values in id.hasSuffix("n2") ? nil : values }
      let missing = ToolRun(arguments)
      #expect(missing.exitCode == 1)
      #expect(missing.lines.contains("missing  kernels/softmax-exact-n2 [exact]"))
      #expect(missing.lines.last == "1 passed, 0 failed, 1 missing, of 2 cases")
      let absent = try JSONDocument(
        bytes: Array(ToolRun(arguments + ["--json"]).lines[0].utf8), source: "row")
      #expect(absent.root["verdict"]?.string == "missing")
      let chosen = ToolRun(arguments + ["--only", "kernels/softmax-exact-n8"])
      #expect(chosen.exitCode == 0, "\(chosen.output)")
      #expect(chosen.lines.last == "1 passed, 0 failed, of 1 case")
    }
  }

  @Test("it judges the cases that --only asks for, and refuses what none begins with")
  func choosesCases() throws {
    try withSmallPack { pack in
      let one = ToolRun(["verify", "--pack", pack.path, "--only", Self.ids[1]])
      #expect(one.exitCode == 0, "\(one.error)")
      #expect(one.lines.first == "ok       \(Self.ids[1]) [exact]")
      #expect(one.lines.last == "1 passed, 0 failed, of 1 case")
      let both = ToolRun(
        ["verify", "--pack", pack.path, "--only", Self.ids[1], "--only", Self.ids[0]])
      #expect(both.lines.last == "2 passed, 0 failed, of 2 cases")
      for (prefix, message) in [
        ("kernel/", "no case begins with 'kernel/'; did you mean 'kernels/'?"),
        ("kernels/softmx", "no case begins with 'kernels/softmx'; did you mean 'kernels/softmax'?"),
        ("xyz", "no case begins with 'xyz'; the areas are kernels/"),
        ("", "no case begins with ''; the areas are kernels/"),
      ] {
        let run = ToolRun(["verify", "--pack", pack.path, "--only", prefix])
        #expect(run.exitCode == 1)
        #expect(run.error == "meteora: \(message)\n")
        #expect(run.output.isEmpty)
      }
    }
  }

  @Test("it lists the tensors that --against wants")
  func listsResults() throws {
    let ids = [
      "kernels/softmax-exact-n2", "refusals/accepted-adapter-oddities", "truth/tasks28/routed",
    ]
    try withSmallPack(of: ids, folders: []) { pack in
      let arguments = ["verify", "--pack", pack.path, "--list"]
      let run = ToolRun(arguments)
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(run.lines.first == "kernels/softmax-exact-n2/y F32 [4,2] exact")
      #expect(run.lines.contains("truth/tasks28/routed/logits F32 [24,96] truth"))
      #expect(
        run.lines.contains("truth/tasks28/routed/layers.0.q_proj.gate_logits F32 [24,28] truth"))
      #expect(run.lines.contains("truth/tasks28/routed/layers.0.q_proj.selected I64 [24,2] truth"))
      #expect(!run.output.contains("refusals/"))
      let rows = ToolRun(arguments + ["--json", "--only", "kernels/"])
      #expect(
        rows.output
          == #"{"name":"kernels/softmax-exact-n2/y","dtype":"F32","shape":[4,2],"tier":"exact"}"#
          + "\n")
      #expect(ToolRun(arguments + ["--against", pack.path]).exitCode == 64)
    }
  }

  @Test("it lists nothing where a case does not tell its tensors")
  func listsAll() throws {
    try withSmallPack { pack in
      let url = pack.appendingPathComponent("manifest.json")
      let lines = try String(contentsOf: url, encoding: .utf8).components(separatedBy: "\n")
      let changed = lines.map {
        $0.contains(Self.ids[1])
          ? $0.replacing(#""check":"bits""#, with: #""check":"words""#) : $0
      }
      try #require(changed != lines)
      try changed.joined(separator: "\n").write(to: url, atomically: true, encoding: .utf8)
      let run = ToolRun(["verify", "--pack", pack.path, "--list"])
      #expect(run.exitCode == 1)
      #expect(run.error.contains(Self.ids[1]))
      #expect(run.output.isEmpty)
      #expect(
        ToolRun(["verify", "--pack", pack.path, "--list", "--only", Self.ids[0]]).exitCode == 0)
    }
  }

  @Test("it tells what was meant by --only, however long ids are")
  func longIds() throws {
    try withSmallPack { pack in
      let url = pack.appendingPathComponent("manifest.json")
      let long = Self.ids[1] + String(repeating: "-", count: 80_000)
      let text = try String(contentsOf: url, encoding: .utf8)
      try text.replacing("\"\(Self.ids[1])\"", with: "\"\(long)\"")
        .write(to: url, atomically: true, encoding: .utf8)
      for (prefix, nearest) in [
        ("kernels/softmax-exct-n8", "kernels/softmax-exact-n8"), ("kernls", "kernels/"),
      ] {
        let run = ToolRun(["verify", "--pack", pack.path, "--only", prefix])
        #expect(
          run.error == "meteora: no case begins with '\(prefix)'; did you mean '\(nearest)'?\n")
      }
      let other = String(repeating: "x", count: 90_000)
      let run = ToolRun(["verify", "--pack", pack.path, "--only", other])
      #expect(run.exitCode == 1)
      #expect(run.error.hasSuffix("; the areas are kernels/\n"))
    }
  }

  @Test("it names tensors that no case wants, and why a case is left out")
  func namesStrays() throws {
    let ids = ["kernels/softmax-exact-n2", "refusals/accepted-adapter-oddities"]
    try withSmallPack(of: ids) { pack in
      let url = pack.appendingPathComponent("mine.safetensors")
      let writer = try SafetensorsWriter(
        to: url, tensors: [.init("\(ids[0])/z", .f32, [1])])
      try writer.append([Float(1)], to: "\(ids[0])/z")
      try writer.finish()
      let arguments = ["verify", "--pack", pack.path, "--against", url.path]
      let run = ToolRun(arguments)
      #expect(run.exitCode == 1)
      #expect(
        run.output.contains(
          "missing  \(ids[0]) [exact]\n         y: is missing, expected F32 [4, 2]\n"))
      #expect(
        run.output.contains(
          "No case wants this tensor; 'meteora verify --list' prints the names that are wanted:\n"
            + "  \(ids[0])/z\n"))
      let rows = try ToolRun(arguments + ["--json"]).lines.map {
        try JSONDocument(bytes: Array($0.utf8), source: "row").root
      }
      #expect(rows[1]["verdict"]?.string == "left out")
      let notes = try #require(rows[1]["notes"]?.elements)
      #expect(notes.map(\.string) == ["its results are no tensors"])
      #expect(rows[2]["missing"]?.integer == 1 && rows[2]["left_out"]?.integer == 1)
      #expect(rows[2]["stray_tensors"]?.elements?.count == 1)
    }
  }

  @Test("what is no pack, or no file of results, is refused")
  func refusesOthers() throws {
    let noPack = ToolRun(["verify", "--pack", try Fixture.demo()])
    #expect(noPack.exitCode == 1)
    #expect(noPack.error.contains("manifest.json: no such file or folder"))
    try withSmallPack { pack in
      let text = ToolRun(["verify", "--pack", pack.path, "--against", pack.path + "/manifest.json"])
      #expect(text.exitCode == 1)
      #expect(text.error.contains("manifest.json: "))
      #expect(text.output.isEmpty)
    }
    #expect(ToolRun(["verify"]).exitCode == 64)
  }

  @Test("it stops when it is asked to, or nobody reads")
  func stops() throws {
    try withSmallPack { pack in
      let interruption = Interruption()
      let sink = MemorySink()
      sink.onWrite = { if $0 == 1 { interruption.request() } }
      let run = ToolRun(
        ["verify", "--pack", pack.path], output: sink, interruption: interruption)
      #expect(run.exitCode == 130)
      #expect(run.lines.last == "1 passed, 0 failed, of 2 cases")
      let broken = MemorySink()
      broken.onWrite = { _ throws(OutputFailure) in throw .brokenPipe }
      #expect(ToolRun(["verify", "--pack", pack.path], output: broken).exitCode == 141)
    }
  }
}
