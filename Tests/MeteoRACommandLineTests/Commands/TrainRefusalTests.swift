import Foundation
import Testing

@testable import MeteoRACommandLine

@Suite("meteora train refuses")
struct TrainRefusalTests {
  @Test(
    "command lines that are wrong",
    arguments: [
      (["train"], "'meteora train' needs one more word: base, lora, gates"),
      (["train", "gate"], "unknown command 'gate'; did you mean 'gates'?"),
      (["train", "--hlp"], "unknown option '--hlp'; did you mean '--help'?"),
      (
        ["help", "train", "gates", "x"], "unexpected argument 'x'; 'meteora help' takes one command"
      ),
      (["train", "base"], "option --datasets DIR is missing; see 'meteora train base --help'"),
    ])
  func commandLines(arguments: [String], expected: String) {
    let run = ToolRun(arguments)
    #expect(run.exitCode == 64)
    #expect(run.error == "meteora: \(expected)\n")
  }

  @Test(
    "options that are out of range or contradict each other",
    arguments: [
      (
        ["--max-steps", "0"], "option --max-steps is '0', expected an integer from 1 to 1073741824"
      ),
      (
        ["--max-steps", "1", "--num-train-epochs", "1"],
        "options --max-steps and --num-train-epochs exclude each other: give the length one way"
      ),
      (["--num-train-epochs", "nan"], "--num-train-epochs is 'nan', expected a number above 0"),
      (
        ["--learning-rate", "11"],
        "--learning-rate is '11', expected a number above 0 and at most 10"
      ),
      (["--adam-beta1", "1"], "--adam-beta1 is '1', expected a number from 0 up to below 1"),
      (["--lr-scheduler-type", "x"], "'x', expected one of constant, linear, cosine"),
      (["--loss-on", "x"], "option --loss-on is 'x', expected one of all, response"),
      (["--eval-samples", "3"], "option --eval-samples has no effect without --eval-steps"),
      (["--resume", "--dry-run"], "options --dry-run and --resume exclude each other"),
      (["--lora-dropout", "1"], "--lora-dropout is '1', expected a number from 0 up to below 1"),
      (["--new-adapters-only"], "option --new-adapters-only has no effect without --gates"),
      (
        ["--max-length", "1"], "option --max-length is '1', expected an integer from 2 to 16777216"
      ),
    ])
  func options(options: [String], expected: String) throws {
    try withTemporaryFolder { folder in
      let datasets = try TrainingData.write(to: folder)
      let run = ToolRun(
        ["train", "gates", "--model", try Fixture.demo(), "--datasets", datasets.path]
          + (options.contains("--dry-run")
            ? [] : ["--output", folder.appendingPathComponent("o").path]) + options)
      #expect(run.exitCode == 64)
      #expect(run.error.contains(expected), "\(run.error)")
      #expect(try folder.contents() == ["datasets"])
    }
  }

  @Test(
    "options of an adapter that fit no model",
    arguments: [
      (["--target-modules", "x_proj"], 1, "--target-modules matches no module of the model"),
      (["--target-modules", "q_proj,"], 64, "'q_proj,', expected names between commas"),
      (["--layers-to-transform", "4"], 1, "names layer 4, but the model has layers 0 to 3"),
      (["--layers-to-transform", "2-1"], 64, "'2-1', expected numbers of layers between commas"),
      (["--layers-to-transform", ""], 64, "'', expected numbers of layers between commas"),
      (["--rank", "0"], 64, "option --rank is '0', expected an integer from 1 to 65536"),
      (["--task", "revers"], 1, "holds no task 'revers'; the nearest is 'reverse'"),
    ])
  func adapters(options: [String], exitCode: Int32, expected: String) throws {
    try withTemporaryFolder { folder in
      let datasets = try TrainingData.write(to: folder)
      let run = ToolRun(
        [
          "train", "lora", "--model", try Fixture.demo(), "--datasets", datasets.path, "--output",
          folder.appendingPathComponent("o").path,
        ] + options)
      #expect(run.exitCode == exitCode)
      #expect(run.error.contains(expected), "\(run.error)")
    }
  }

  @Test("tasks without adapter and adapters without task")
  func unmatched() throws {
    try withTemporaryFolder { folder in
      let datasets = try TrainingData.write(
        to: folder, tasks: ["arithmetic", "capital", "reverse", "rhymes", "translate"])
      let run = ToolRun([
        "train", "gates", "--model", try Fixture.demo(), "--datasets", datasets.path, "--dry-run",
      ])
      #expect(run.exitCode == 1)
      #expect(
        run.error.contains(
          "folders without an adapter of their name: 'capital' (the nearest is 'capitals'); "
            + "adapters without a folder: 'capitals'"), "\(run.error)")
    }
  }

  @Test("a broken line, with file and line")
  func brokenLine() throws {
    try withTemporaryFolder { folder in
      let datasets = try TrainingData.write(to: folder)
      let file = datasets.appendingPathComponent("rhymes/train.jsonl")
      try (String(contentsOf: file, encoding: .utf8) + #"{"prompt":"a"}"# + "\n").write(
        to: file, atomically: false, encoding: .utf8)
      let run = ToolRun([
        "train", "gates", "--model", try Fixture.demo(), "--datasets", datasets.path, "--dry-run",
      ])
      #expect(run.exitCode == 1)
      #expect(run.error.contains("rhymes/train.jsonl:7:"), "\(run.error)")
      #expect(run.error.contains("'response'"), "\(run.error)")
    }
  }
}
