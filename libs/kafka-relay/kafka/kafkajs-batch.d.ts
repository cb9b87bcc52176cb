declare module 'kafkajs/src/consumer/batch' {
  import type { KafkaMessage } from 'kafkajs';

  /** What a fetch returned, without aborted transactions and control records. */
  class Batch {
    constructor(topic: string, fetchedOffset: string, partition: object);
    readonly messages: readonly KafkaMessage[];
    readonly rawMessages: readonly { readonly offset: string }[];
  }
  export = Batch;
}
