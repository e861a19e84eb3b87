import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("meteora train")
struct TrainCommandTests {
  /// A new folder with data in it.
  private func withData(_ body: (URL, _ datasets: String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      try body(folder, TrainingData.write(to: folder).path)
    }
  }

  private func gates(_ datasets: String, _ options: [String]) throws -> ToolRun {
    ToolRun(
      [
        "train", "gates", "--model", try Fixture.demo(), "--datasets", datasets, "--batch-size",
        "4",
        "--learning-rate", "2e-2",
      ] + options)
  }

  private func bytes(_ folder: URL, _ name: String) throws -> Data {
    try Data(contentsOf: folder.appendingPathComponent(name))
  }

  @Test("gates: what it makes, bundle takes, and it is the same for any number of threads")
  func trainsGates() throws {
    try withData { folder, datasets in
      for threads in [1, 2] {
        let run = try gates(
          datasets,
          [
            "--max-steps", "4", "--eval-steps", "2", "--threads", "\(threads)", "--output",
            folder.appendingPathComponent("g\(threads)").path,
          ])
        #expect(run.exitCode == 0, "\(run.error)")
        #expect(run.output.contains("/g\(threads): the weights after step 4, whose held-out loss "))
        #expect(run.output.contains("\nlayer   q_proj       k_proj"))
        #expect(run.error.contains("step 2: held out: loss "))
      }
      #expect(try folder.appendingPathComponent("g1").contents() == ["gates.safetensors"])
      #expect(
        try bytes(folder, "g1/gates.safetensors") == bytes(folder, "g2/gates.safetensors"))
      let bundle = ToolRun([
        "bundle", "--base", try Fixture.demo("base"), "--adapters", try Fixture.demo("adapters"),
        "--gates", folder.appendingPathComponent("g1/gates.safetensors").path, "--output",
        folder.appendingPathComponent("b").path,
      ])
      #expect(bundle.exitCode == 0, "\(bundle.error)")
      let log = try String(
        contentsOf: folder.appendingPathComponent("g1.training/log.jsonl"), encoding: .utf8)
      #expect(log.split(separator: "\n").count == 6)
    }
  }

  @Test("gates: with adapters and a checkpoint as published")
  func trainsAdapters() throws {
    try withData { folder, datasets in
      let output = folder.appendingPathComponent("g")
      let run = try gates(
        datasets,
        [
          "--max-steps", "3", "--train-adapters", "--published-checkpoint", "--lora-dropout", "0.1",
          "--save-steps", "0", "--logging-steps", "0", "--output", output.path,
        ])
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(run.error.isEmpty)
      #expect(
        try output.contents() == ["adapters", "checkpoint.safetensors", "gates.safetensors"])
      let parts = [
        ["--adapters", output.path + "/adapters", "--gates", output.path + "/gates.safetensors"],
        [
          "--adapters", try Fixture.demo("adapters"), "--checkpoint",
          output.path + "/checkpoint.safetensors",
        ],
      ]
      let answers = try parts.map { parts in
        ToolRun(
          [
            "generate", "--model", try Fixture.demo("base"), "--prompt-ids", "5,6,7", "--json",
            "--max-new-tokens", "9",
          ] + parts
        ).output
      }
      #expect(answers[0] == answers[1] && answers[0].contains("new_ids"))
      // The checkpoint is gates to go on with, too.
      let again = ToolRun([
        "train", "gates", "--model", try Fixture.demo("base"), "--adapters",
        try Fixture.demo("adapters"), "--checkpoint", output.path + "/checkpoint.safetensors",
        "--datasets", datasets, "--max-steps", "1", "--output", output.path + "2",
      ])
      #expect(again.exitCode == 0, "\(again.error)")
    }
  }

  @Test("gates: interrupted and resumed, it ends with the same bytes")
  func resumes() throws {
    try withData { folder, datasets in
      let options = ["--max-steps", "6", "--eval-steps", "3"]
      let whole = folder.appendingPathComponent("whole").path
      #expect(try gates(datasets, options + ["--output", whole]).exitCode == 0)
      // As if the machine had been switched off behind step 5.
      let part = folder.appendingPathComponent("part").path
      #expect(try gates(datasets, options + ["--save-steps", "1", "--output", part]).exitCode == 0)
      try FileManager.default.removeItem(atPath: part)
      try FileManager.default.removeItem(atPath: part + ".training/checkpoint-000006")
      let begun = try gates(datasets, options + ["--output", part])
      #expect(begun.exitCode == 1)
      #expect(begun.error.contains("/part.training: holds checkpoint-000005 already"))
      let other = try gates(
        datasets, ["--max-steps", "7", "--eval-steps", "3", "--output", part, "--resume"])
      #expect(other.exitCode == 1)
      #expect(other.error.contains("max_steps is 6 in the checkpoint, 7 now"), "\(other.error)")
      let resumed = try gates(
        datasets, options + ["--threads", "1", "--keep", "9", "--output", part, "--resume"])
      #expect(resumed.exitCode == 0, "\(resumed.error)")
      #expect(
        try bytes(folder, "part/gates.safetensors") == bytes(folder, "whole/gates.safetensors"))
    }
  }

  @Test("lora: a PEFT folder for the modules, layers and rank that it is asked for")
  func trainsLoRA() throws {
    try withData { folder, datasets in
      let output = folder.appendingPathComponent("a")
      let run = ToolRun([
        "train", "lora", "--model", try Fixture.demo(), "--datasets", datasets, "--task", "reverse",
        "--task", "rhymes", "--balance", "5", "--rank", "3", "--lora-alpha", "6",
        "--target-modules", "q_proj,down_proj", "--layers-to-transform", "0,2-3", "--max-steps",
        "3",
        "--output", output.path,
      ])
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(run.output.hasSuffix("/a: the weights after step 3\n"))
      let file = try SafetensorsFile(
        contentsOf: output.appendingPathComponent("adapter_model.safetensors"))
      #expect(file.tensors.count == 12)
      let name = "base_model.model.model.layers.2.mlp.down_proj.lora_A.weight"
      #expect(try file.tensor(named: name).shape.first == 3)
      let inspection = ToolRun(["inspect", output.path]).output
      #expect(
        inspection.contains("problems     none") && inspection.contains("only layers  0, 2, 3"))
    }
  }

  @Test("lora: layers alone are those of all modules")
  func trainsLayers() throws {
    try withData { folder, datasets in
      let output = folder.appendingPathComponent("a")
      let run = ToolRun([
        "train", "lora", "--model", try Fixture.demo(), "--datasets", datasets, "--max-steps", "1",
        "--layers-to-transform", "3", "--output", output.path,
      ])
      #expect(run.exitCode == 0, "\(run.error)")
      let file = try SafetensorsFile(
        contentsOf: output.appendingPathComponent("adapter_model.safetensors"))
      #expect(file.tensors.count == 14)
      #expect(file.tensors.allSatisfy { $0.name.contains("model.layers.3.") })
    }
  }

  @Test("base: a plain folder of the type that it is asked for", arguments: ["f32", "bf16"])
  func trainsBase(type: String) throws {
    try withData { folder, datasets in
      let output = folder.appendingPathComponent("b")
      let run = ToolRun([
        "train", "base", "--config", try Fixture.demo("base"), "--datasets", datasets,
        "--max-steps", "2", "--loss-on", "response", "--output-type", type, "--output", output.path,
      ])
      #expect(run.exitCode == 0, "\(run.error)")
      #expect(try output.contents().contains("tokenizer.json"))
      let file = try SafetensorsFile(
        contentsOf: output.appendingPathComponent("model.safetensors"))
      #expect(file.tensors.allSatisfy { $0.dtype.name.lowercased() == type })
      let answer = ToolRun([
        "generate", "--model", output.path, "--prompt", "abc", "--max-new-tokens", "2",
      ])
      #expect(answer.exitCode == 0, "\(answer.error)")
    }
  }

  @Test("a dry run tells what it would take, and writes nothing")
  func dryRun() throws {
    try withData { folder, datasets in
      let run = try gates(datasets, ["--num-train-epochs", "3", "--dry-run"])
      #expect(run.exitCode == 0, "\(run.error)")
      let names = run.lines.compactMap { $0.split(separator: " ").first }
      #expect(names == ["trained", "data", "steps", "time", "memory", "checkpoint"])
      #expect(run.output.contains("\nsteps       23 of 4 samples: 3.07 epochs\n"))
      #expect(try folder.contents() == ["datasets"])
    }
  }

  @Test("a step whose numbers are not finite ends it; the checkpoints stay")
  func notFinite() throws {
    try withData { folder, datasets in
      let run = ToolRun([
        "train", "base", "--config", try Fixture.demo("base"), "--datasets", datasets,
        "--max-steps", "400", "--learning-rate", "10", "--weight-decay", "1", "--adam-beta1", "0",
        "--adam-beta2", "0", "--adam-epsilon", "1e-30", "--max-grad-norm", "1e30",
        "--warmup-ratio", "0", "--lr-scheduler-type", "constant", "--save-steps", "1", "--output",
        folder.appendingPathComponent("b").path,
      ])
      #expect(run.exitCode == 1)
      #expect(run.error.contains(" came to infinity or NaN; a lower learning rate"), "\(run.error)")
      let left = try folder.appendingPathComponent("b.training").contents()
      #expect(left.count == 3 && left[0].hasPrefix("checkpoint-"))
      #expect(try folder.contents() == ["b.training", "datasets"])
    }
  }
}
