import Foundation
import Testing

@testable import MeteoRACommandLine

@Suite("Bad input")
struct BadInputTests {
  private func expectFailure(
    _ arguments: [String], input: [UInt8] = [], _ message: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let run = ToolRun(arguments, input: input)
    #expect(run.exitCode == 1, sourceLocation: sourceLocation)
    #expect(run.error.contains(message), "\(run.error)", sourceLocation: sourceLocation)
    #expect(run.error.hasPrefix("meteora: "), sourceLocation: sourceLocation)
    #expect(run.error.utf8.count { $0 == 10 } == 1, sourceLocation: sourceLocation)
    #expect(run.output.isEmpty, sourceLocation: sourceLocation)
  }

  private func demo(_ options: [String]) throws -> [String] {
    ["generate", "--model", try Fixture.demo()] + options
  }

  @Test("a file instead of a folder, and the reverse, are named")
  func filesAndFolders() throws {
    let weights = try Fixture.demo("base/model.safetensors")
    let base = try Fixture.demo("base")
    let prompt = ["--prompt-ids", "1"]
    expectFailure(
      ["generate", "--model", weights] + prompt, "model.safetensors: is a file, expected a folder")
    expectFailure(
      ["generate", "--model", "/nowhere"] + prompt, "/nowhere: no such file or folder")
    expectFailure(
      ["generate", "--model", base, "--adapters", weights] + prompt, "is a file, expected a folder")
    expectFailure(
      ["generate", "--model", base, "--adapter", "a=\(weights)"] + prompt,
      "is a file, expected a folder")
    expectFailure(
      ["generate", "--model", base, "--adapters", try Fixture.demo("adapters"), "--gates", base]
        + prompt, "base: is a folder, expected a file")
    expectFailure(try demo(["--prompt-file", base]), "base: is a folder, expected a file")
    expectFailure(try demo(["--prompt-file", "/nowhere"]), "/nowhere: no such file or folder")
    expectFailure(
      ["generate", "--model", try Fixture.demo("adapters")] + prompt, "config.json: no such file")
    expectFailure(["inspect", "/nowhere"], "/nowhere: no such file or folder")
    expectFailure(
      ["inspect", try Fixture.demo("adapters")],
      "adapters: a folder of 5 adapters, expected one of them, such as arithmetic")
    expectFailure(
      ["inspect", try Fixture.golden("kernels")],
      "the folder holds none of meteora.json, adapter_config.json and config.json")
    for file in ["config.json", "tokenizer.json"] {
      expectFailure(
        ["inspect", try Fixture.demo("base/\(file)")],
        "\(file): is a file of JSON, expected a safetensors file, or the folder of this one: \(base)"
      )
    }
  }

  @Test("a missing permission is named", .enabled(if: geteuid() != 0, "root may read everything"))
  func permission() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("p.txt")
      try Data("x".utf8).write(to: file)
      chmod(file.path, 0)
      expectFailure(try demo(["--prompt-file", file.path]), "p.txt: no permission to read")
      let closed = folder.appendingPathComponent("closed")
      try FileManager.default.createDirectory(at: closed, withIntermediateDirectories: false)
      chmod(closed.path, 0)
      expectFailure(["inspect", closed.path], "closed: no permission to read")
      expectFailure(
        ["generate", "--model", closed.path, "--prompt-ids", "1"], "closed: no permission to read")
      chmod(folder.path, 0o500)
      defer { chmod(folder.path, 0o700) }
      expectFailure(
        [
          "trace", "--model", try Fixture.demo(), "--prompt-ids", "1", "--output",
          folder.appendingPathComponent("t").path,
        ], "no permission to write")
    }
  }

  @Test("a prompt without an id, with a wrong one, or too long is refused")
  func prompts() throws {
    expectFailure(
      try demo(["--prompt", "", "--no-special-tokens"]),
      "--prompt: has no token id, expected at least one")
    expectFailure(
      try demo(["--prompt-ids", "1,512"]),
      "--prompt-ids: holds the id 512 at position 1, expected ids from 0 to 511")
    expectFailure(
      try demo(["--prompt-ids", "99999999999999999"]), "expected ids from 0 to 511")
    let long = Array(repeating: "1", count: 2049).joined(separator: ",")
    expectFailure(
      try demo(["--prompt-ids", long]),
      "--prompt-ids: has 2049 token ids, the model has 2048 positions")
    expectFailure(
      try demo(["--prompt-file", "-", "--no-special-tokens"]),
      "standard input: has no token id")
  }

  @Test("a prompt file that is not UTF-8 is refused with the place")
  func promptEncoding() throws {
    expectFailure(
      try demo(["--prompt-file", "-"]), input: Array("ab\ncé".utf8) + [0xFF, 0x41],
      "standard input:2:4 (byte 6): found bytes that are not UTF-8")
    expectFailure(
      try demo(["--prompt-file", "-"]), input: [0xE2, 0x82],
      "standard input:1:1 (byte 0): found bytes that are not UTF-8")
  }

  @Test(
    "a broken file of prompts is refused with the place",
    arguments: [
      ("", "standard input:1:1 (byte 0): the document ends here"),
      ("[1,2]", "the document is an array, expected an object"),
      ("{}", "standard input: the object is empty, expected at least one prompt"),
      (#"{"a":[1,2}"#, "standard input:1:10 (byte 9)"),
      (#"{"a":1}"#, "field 'a' is 1, expected an array"),
      (#"{"a":[1.0]}"#, "field 'a[0]' is 1.0, expected an integer"),
      (#"{"a":[-1]}"#, "field 'a[0]' is -1, expected an integer from 0"),
      (#"{"a":["1"]}"#, "field 'a[0]' is the string"),
      (#"{"a":[1],"a":[2]}"#, "the key 'a' stands here again"),
      (#"{"a":[1],"b":[]}"#, "standard input: prompt 'b': has no token id"),
      (#"{"a":[1],"b":[7,600]}"#, "standard input: prompt 'b': holds the id 600 at position 1"),
    ])
  func promptsFile(content: String, message: String) throws {
    expectFailure(
      try demo(["--prompt-ids-file", "-"]), input: Array(content.utf8), message)
  }

  @Test("an unknown adapter, or more adapters a token than there are, are refused")
  func adapters() throws {
    expectFailure(
      try demo(["--prompt-ids", "1", "--single-adapter", "captials"]),
      "no adapter is named 'captials'; did you mean 'capitals'?")
    expectFailure(
      try demo(["--prompt-ids", "1", "--single-adapter", "x"]),
      "no adapter is named 'x'; the model has arithmetic, capitals, reverse, rhymes, translate")
    expectFailure(
      ["generate", "--model", try Fixture.demo("base"), "--prompt-ids", "1"]
        + ["--single-adapter", "x"],
      "option --single-adapter needs a model with adapters, this one has none")
    expectFailure(
      try demo(["--prompt-ids", "1", "--router-top-k", "6"]),
      "router top-k is 6, but the model has 5 adapters; give --router-top-k 1 to 5")
  }

  @Test("the folder of an adapter is told from that of a model")
  func adapterFolder() throws {
    let adapter = try Fixture.demo("adapters/reverse")
    let message = "reverse: is the folder of an adapter (it holds adapter_config.json and no"
    expectFailure(["generate", "--model", adapter, "--prompt-ids", "1"], message)
    expectFailure(
      ["bundle", "--base", adapter, "--adapter", "a=\(adapter)", "--merge", "a", "--output", "/x"],
      message)
    expectFailure(["inspect", adapter, "--base", adapter], message)
  }

  @Test("a folder without a tokenizer is said to hold neither kind")
  func noTokenizer() throws {
    let adapter = try Fixture.demo("adapters/reverse")
    let files = ["--input", "-", "--output", "-"]
    expectFailure(
      ["tokenize", "--tokenizer", adapter] + files,
      "reverse: holds neither tokenizer.json nor tokenizer.model")
    try withTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("m")
      try FileManager.default.copyItem(atPath: Fixture.demo("base"), toPath: copy.path)
      try FileManager.default.removeItem(at: copy.appendingPathComponent("tokenizer.json"))
      expectFailure(
        ["generate", "--model", copy.path, "--prompt-ids", "1", "--stop", "x"],
        "m: has neither tokenizer.json nor tokenizer.model to find the text of")
    }
  }

  @Test(
    "what shows processes is no place for a folder",
    .enabled(if: FileManager.default.fileExists(atPath: "/proc/self"), "only some systems have it"))
  func processFolder() throws {
    let adapter = try Fixture.demo("adapters/reverse")
    expectFailure(
      [
        "bundle", "--base", try Fixture.demo("base"), "--adapter", "a=\(adapter)", "--merge", "a",
        "--output", "/proc/bun",
      ], "/proc/bun: leads into /proc, which is not for files")
  }

  @Test("a pipe as output has a hint where - is taken", arguments: ["tokenize", "detokenize"])
  func pipes(command: String) throws {
    try withTemporaryFolder { folder in
      let pipe = folder.appendingPathComponent("pipe").path
      #expect(mkfifo(pipe, 0o600) == 0)
      let arguments = [
        command, "--tokenizer", try Fixture.demo("base"), "--input", "-", "--output",
      ]
      expectFailure(
        arguments + [pipe],
        "pipe: is a named pipe, expected a file; give - to write to standard output")
      expectFailure(arguments + ["/dev/x"], "; give - to write to standard output")
      let trace = ["trace", "--model", try Fixture.demo(), "--prompt-ids", "1", "--output", pipe]
      expectFailure(trace, "pipe: is a named pipe, expected a file\n")
    }
  }

  @Test("weights of another format are named, by inspect too")
  func pickledWeights() throws {
    try withTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("m")
      try FileManager.default.copyItem(atPath: Fixture.demo("base"), toPath: copy.path)
      try FileManager.default.moveItem(
        at: copy.appendingPathComponent("model.safetensors"),
        to: copy.appendingPathComponent("pytorch_model.bin"))
      let message = "m: the weights' file is pytorch_model.bin, which is not supported"
      expectFailure(["generate", "--model", copy.path, "--prompt-ids", "1"], message)
      #expect(ToolRun(["inspect", copy.path]).output.contains(message))
    }
  }

  @Test("what a model lacks is named by file and tensor")
  func models() throws {
    try withTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("m")
      try FileManager.default.copyItem(atPath: Fixture.demo(), toPath: copy.path)
      let gates = copy.appendingPathComponent("gates.safetensors")
      try FileManager.default.removeItem(at: gates)
      let arguments = ["generate", "--model", copy.path, "--prompt-ids", "1"]
      expectFailure(arguments, "gates.safetensors: no such file or folder")
      try FileManager.default.copyItem(
        atPath: Fixture.model("mha-tied/gates.safetensors"), toPath: gates.path)
      expectFailure(arguments, "moe_gate.weight' has the shape [3, 32], expected [5, 64]")
      try Data("{".utf8).write(to: copy.appendingPathComponent("meteora.json"))
      expectFailure(arguments, "meteora.json:1:2 (byte 1): the document ends here")
    }
  }

  @Test(
    "a link that leads nowhere is there, and cannot be read",
    arguments: ["config.json", "meteora.json", "tokenizer.json"])
  func links(name: String) throws {
    try withTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("m")
      try FileManager.default.copyItem(atPath: Fixture.demo("base"), toPath: copy.path)
      let file = copy.appendingPathComponent(name)
      try? FileManager.default.removeItem(at: file)
      try FileManager.default.createSymbolicLink(
        atPath: file.path, withDestinationPath: name)
      let reason = "/\(name): cannot read: Too many levels of symbolic links"
      expectFailure(["generate", "--model", copy.path, "--prompt", "x"], reason)
      #expect(ToolRun(["inspect", copy.path]).output.contains(reason))
    }
  }

  @Test("a tokenizer that cannot be taken is named")
  func tokenizers() throws {
    try withTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("m")
      try FileManager.default.copyItem(atPath: Fixture.demo("base"), toPath: copy.path)
      try Data("{}".utf8).write(to: copy.appendingPathComponent("tokenizer.json"))
      expectFailure(["generate", "--model", copy.path, "--prompt", "x"], "tokenizer.json")
    }
  }
}
