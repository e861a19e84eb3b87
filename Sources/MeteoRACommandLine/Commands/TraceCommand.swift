import Foundation
import MeteoRA
import MeteoRALlama

extension Command {
  /// `meteora trace`.
  static let trace = Command(
    name: "trace", summary: "Writes what happens inside a forward pass to a safetensors file.",
    usage: ["--model M PROMPT --output F [OPTIONS]"],
    description: [
      "Runs prompts through the model and writes, for T tokens: logits [T, V], final_norm [T, H], "
        + "layers.{i}.hidden [T, H] and, for every module that routes, "
        + "layers.{i}.{module}.gate_logits [T, L], .selected [T, k] (I64, descending gate logit) "
        + "and .weights [T, k]. With --all also embeddings, layers.{i}.input_norm, "
        + ".post_attention_norm, .attention, .q_rope, .k_rope and, of every module, .input, .base, "
        + ".delta and .output. With --only or --without the gate logits are still those of all "
        + "adapters.",
      "With --prompt-ids-file the names of the tensors begin with the prompt's name and a slash. "
        + "The file appears when it is complete. (Only a program that is killed leaves a file "
        + ".meteora-*.tmp beside it.)",
      PromptOptions.templateNotice,
    ],
    groups: [ModelOptions.groups[0], PromptOptions.group, TraceOptions.group]
      + ModelOptions.groups.dropFirst(),
    examples: [
      "meteora trace --model Fixtures/demo --prompt-ids 1,2,3 --output t.safetensors",
      "meteora trace --model Fixtures/demo --prompt abc --all --output t.safetensors",
    ],
    run: { arguments, console in
      let request = try ModelOptions.request(arguments)
      let output = try Paths.output(
        arguments.requiredPath(TraceOptions.output), of: TraceOptions.output)
      try Paths.requireOther(
        output, than: request.filesToRead + PromptOptions.filesToRead(arguments),
        standardInput: PromptOptions.standardInput(arguments, console: console))
      let prompts = try PromptOptions.read(arguments, console: console)
      let model = try request.load(
        console: console, isVerbose: arguments.isGiven(ModelOptions.verbose))
      let tokenizer = prompts.isText ? try model.tokenizer(isNeeded: true) : nil
      let named = try prompts.prompts(for: model.base.configuration, tokenizer: tokenizer)
      let progress = ProgressLine(on: console)
      return try console.interruption.gracefully {
        do throws(MeteoRAError) {
          try model.writeTrace(
            of: named, mode: request.mode,
            detail: arguments.isGiven(TraceOptions.all) ? .everything : .summary, to: output
          ) { done, total in
            progress.show("\(done) of \(total) tokens")
            return !console.interruption.isRequested
          }
        } catch .cancelled {
          throw Interrupted()
        }
        return .success
      }
    })
}

/// The options of `trace` alone.
private enum TraceOptions {
  static let output = OptionDeclaration(
    "output", "F",
    "The file to be written. One that is there already is replaced, and a symbolic link followed; "
      + "a file that the command reads is refused. Required.")
  static let all = OptionDeclaration(flag: "all", "Every intermediate value.")

  static let group = OptionGroup("Output", [output, all, ModelOptions.verbose])
}
