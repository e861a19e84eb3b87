import Foundation
import MeteoRAKernels
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Going on from a checkpoint")
struct CheckpointTests {
  @Test(
    "it gives the bits of training that was not stopped", arguments: TrainingExample.Part.allCases,
    [1, 3])
  func resumes(part: TrainingExample.Part, stop: Int) throws {
    let folder = try TemporaryFolder()
    let whole = try CheckpointExample(part)
    try whole.train(0..<5)

    let first = try CheckpointExample(part)
    try first.train(0..<stop)
    let progress = TrainingProgress(
      step: stop, samples: 24 * stop, best: .init(step: 1, loss: 0.1 + 0.2))
    let identity = try CheckpointExample.identity()
    do {
      let store = try CheckpointStore(folder.url.appendingPathComponent("out"), keeping: 3)
      try store.write(first.tensors, progress: progress, identity: identity)
    }
    let second = try CheckpointExample(part)
    let store = try CheckpointStore(folder.url.appendingPathComponent("out"), keeping: 3)
    let latest = try store.latest()
    #expect(latest.damaged.isEmpty)
    let found = try second.example.model.resume(
      from: latest.checkpoint, as: identity, parallelism: .serial)
    #expect(found == progress)
    #expect(second.bits == first.bits)
    try second.train(stop..<5, threads: 2)
    #expect(second.bits == whole.bits)
    #expect(second.example.losses().total.bitPattern == whole.example.losses().total.bitPattern)
  }

  @Test("its files hold every tensor and its moments, in binary32, by name")
  func files() throws {
    let folder = try TemporaryFolder()
    let training = try CheckpointExample()
    try training.train(0..<2)
    let store = try CheckpointStore(folder.url, keeping: nil)
    let place = try training.write(step: 400, to: store)
    #expect(place.lastPathComponent == "checkpoint-000400")
    #expect(try folder.names() == ["checkpoint-000400"])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
        == ["optimizer.safetensors", "trainer_state.json", "weights.safetensors"])
    let weights = try SafetensorsFile(
      contentsOf: place.appendingPathComponent("weights.safetensors"))
    let moments = try SafetensorsFile(
      contentsOf: place.appendingPathComponent("optimizer.safetensors"))
    #expect(weights.tensors.count == training.tensors.count)
    #expect(moments.tensors.count == 2 * training.tensors.count)
    #expect(weights.metadata?["format"] == "pt")
    for tensor in training.tensors {
      for (file, name, values) in [
        (weights, tensor.name, tensor.array),
        (moments, "\(tensor.name).exp_avg", tensor.firstMomentArray),
        (moments, "\(tensor.name).exp_avg_sq", tensor.secondMomentArray),
      ] {
        let stored = try file.tensor(named: name, shape: tensor.shape)
        #expect(stored.dtype == .f32)
        #expect(try stored.float32Values().map(\.bitPattern) == values.map(\.bitPattern))
      }
    }
    #expect(training.tensors.contains { $0.secondMomentArray.contains { $0 > 0 } })
    let state = try JSONDocument(contentsOf: place.appendingPathComponent("trainer_state.json"))
    #expect(try state.root.required("format_version").integerValue() == 1)
    #expect(try state.root.required("step").integerValue() == 400)
    #expect(try state.root.required("samples").integerValue() == 3200)
    #expect(try state.root.required("best").isNull)
    #expect(
      try state.root.required("settings").required("schedule").required("shape").equals("cosine"))
    #expect(
      try state.root.required("fingerprints").required("base/model.safetensors").equals(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
  }

  @Test("names of folders have six digits or more, and one spelling")
  func names() {
    #expect(CheckpointName(step: 0).text == "checkpoint-000000")
    #expect(CheckpointName(step: 999_999).text == "checkpoint-999999")
    #expect(CheckpointName(step: 1_000_000).text == "checkpoint-1000000")
    for step in [0, 7, 123_456, 1_234_567, Int.max] {
      #expect(CheckpointName(CheckpointName(step: step).text)?.step == step)
    }
    for text in [
      "checkpoint-", "checkpoint-1", "checkpoint-0000001", "checkpoint--00001", "checkpoint-+00001",
      "checkpoint-00000x", "checkpoint-99999999999999999999", "Checkpoint-000001",
      ".checkpoint-000001.tmp", "checkpoint-000001 ",
    ] {
      #expect(CheckpointName(text) == nil, "\(text)")
    }
  }

  @Test("the latest is the one of the highest step, past all that is damaged")
  func latest() throws {
    let folder = try TemporaryFolder()
    let training = try CheckpointExample(.gates)
    let store = try CheckpointStore(folder.url, keeping: nil)
    store.isDurable = false
    #expect(throws: CheckpointError.noCheckpoint(folder: folder.url.path)) { try store.latest() }
    #expect(try Checkpoint.latest(in: folder.url) == nil)
    for step in [1_000_000, 20, 999_999, 3] { try training.write(step: step, to: store) }
    try folder.write("", to: "checkpoint-9999999")
    try folder.write("", to: "checkpoint-final/weights.safetensors")
    let found = try store.latest()
    #expect(found.checkpoint.progress.step == 1_000_000)
    #expect(found.damaged.count == 1)
    for step in ["1000000", "999999"] {
      try folder.write("", to: "checkpoint-\(step)/optimizer.safetensors")
    }
    let whole = try store.latest()
    #expect(whole.checkpoint.progress.step == 20)
    #expect(whole.damaged.count == 3)
    guard case .damaged(let file, _, _)? = whole.damaged.last else {
      Issue.record("\(whole.damaged)")
      return
    }
    #expect(file.hasSuffix("/checkpoint-999999/optimizer.safetensors"))
    for step in ["000020", "000003"] {
      try FileManager.default.removeItem(
        at: folder.url.appendingPathComponent("checkpoint-\(step)/trainer_state.json"))
    }
    let error = checkpointError { _ = try store.latest() }
    #expect(error == whole.damaged.first)
  }

  @Test("training that begins refuses a folder of other training")
  func begins() throws {
    let folder = try TemporaryFolder()
    let store = try CheckpointStore(folder.url, keeping: nil)
    try store.requireNone()
    try CheckpointExample(.gates).write(step: 5, to: store)
    let error = CheckpointError.alreadyBegun(
      folder: folder.url.path, checkpoint: "checkpoint-000005")
    #expect(throws: error) { try store.requireNone() }
    #expect(
      "\(error)"
        == "\(folder.url.path): holds checkpoint-000005 already, expected a folder without "
        + "checkpoints, or to go on from it")
  }
}
